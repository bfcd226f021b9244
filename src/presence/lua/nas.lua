-- NASes, and when nothing could be seen. Blind time is not idle time.
-- A NAS in KEYS[5], by its number: {heardAt, cadence, isSet, sendsNone, stations, blindSince, resetAt, blinds, details}
local N_HEARD, N_CADENCE, N_SET, N_NONE, N_STATIONS, N_BLIND, N_RESET, N_BLINDS, N_DETAILS = 1, 2, 3, 4, 5, 6, 7, 8, 9
local CADENCES = 2.2

local function new_nas()
  return { 0, 0, false, false, 0, 0, 0, {}, '' }
end

local function load_nas(number)
  local packed = redis.call('HGET', KEYS[5], string.format('%.0f', number))
  return packed and cmsgpack.unpack(packed) or new_nas()
end

local function nas_of(clock, number)
  local known = clock.nas[number]
  if not known then
    known = number == 0 and new_nas() or load_nas(number)
    clock.nas[number] = known
  end
  return known
end

-- How long a silence of this NAS may be: the idle timeout, unless it has shown or was said to report more rarely.
local function patience(nas, idle)
  if nas[N_CADENCE] > 0 and (nas[N_SET] or nas[N_CADENCE] > idle) then
    return max(idle, math.ceil(CADENCES * nas[N_CADENCE]))
  end
  return idle
end

-- Whether a silence of this NAS is told from one of its stations, and how long one is.
local BLIND_AFTER = 2500
local function is_watched(nas)
  return nas[N_BLIND] == 0 and nas[N_CADENCE] > 0 and nas[N_STATIONS] >= 3
end
local function silence_of(nas)
  return math.ceil(CADENCES * nas[N_CADENCE])
end

-- When we, or this NAS, saw nothing: {from, to} by their beginning; one that lasts ends at HUGE.
local function blinds_of(clock, number)
  local known = clock.blinds[number]
  if known then return known end
  known = {}
  local function take(list)
    for i = 1, #list, 2 do known[#known + 1] = { list[i], list[i + 1] } end
  end
  take(clock.own)
  local nas = nas_of(clock, number)
  take(nas[N_BLINDS])
  if nas[N_BLIND] > 0 then known[#known + 1] = { nas[N_BLIND], HUGE } end
  table.sort(known, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
  clock.blinds[number] = known
  return known
end

-- How far evidence of `at` reaches that would reach to `reach`, had we always been seeing. After each gap the wait begins
-- anew; what was blind for longer than `most` is given up. The second result says whether it was.
local function seen_through(blinds, at, reach, wait, most, now)
  local lost = false
  for _, blind in ipairs(blinds) do
    local from, to = blind[1], blind[2]
    if from <= reach and at <= to then
      if min(to, now) - from > most then
        if from + most > reach then reach, lost = from + most, true end
      elseif to == HUGE then
        reach, lost = HUGE, false
      elseif to + wait > reach then
        reach, lost = to + wait, false
      end
    end
  end
  return reach, lost
end

-- The first restart of the NAS that a session did not outlive; resets stand among its gaps.
local function reset_after(nas, at)
  local first = nas[N_RESET]
  local blinds = nas[N_BLINDS]
  for i = 1, #blinds, 2 do
    if blinds[i] == blinds[i + 1] and blinds[i] > at and blinds[i] < first then first = blinds[i] end
  end
  return first
end

-- Event-Timestamp counts seconds.
local SECOND = 1000
local function restarted_between(nas, link, from, to)
  return nas[N_RESET] > from and to > link[OUTLIVED] and reset_after(nas, from) <= to + SECOND
end

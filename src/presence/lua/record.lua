-- What every presence script shares; scripts.ts puts it before each of them.
-- KEYS  1 presence (hash)  2 due (sorted set)  3 transitions (stream)  4 clock (hash)  5 nas (hash)
--
-- Presence of one customer in one space is one record in KEYS[1], named `space|customer`:
--   {version, due, horizon, openSince, openLast, before, visits, links, away, behind}
--   due      the score that stands in KEYS[2]; 0 when it must be written anew
--   horizon  evidence up to here is settled for good and moves nothing
--   openSince, openLast   first and last activity of the visit that is open, before: the last activity of the one before it; each 0 without.
--            Most reports move nothing else, so visits, and the older runs of a link, stay packed by themselves meanwhile
--   visits   {id, since, last, open, revision, baseFrom, baseTo, reason, told, heldUntil}, oldest first: what the ledger has been
--            told. base: the part whose links were forgotten; 0, 0 without one. told: the last activity as the ledger knows it.
--            heldUntil: how far the base holds: through a gap to what was seen next; of a visit that was put back after a loss, until
--            its fresh idle window ends; -1 when it was blind too long
--   links    {device, session, nas, laptop, open, reportAt, from, points, runKind, runFirst, runLast, runCount, olderRuns, crossed, outlived,
--            disputed}: what each device or accounting session has shown
--            from    when the session began, by its first report; 0 when that was a Start
--            points  time and octets of each report that showed activity, oldest first; fewer where that changes nothing
--            run     kind, first, last and number of the latest reports that are of one kind, for `why`; and the runs before it
--            crossed  how often it was active between reports of another access point's session; -1 once that was told
--            outlived when a report last proved by Acct-Session-Time that the session had lasted from its first point on; without a
--                     session, when its device was last said to be associated, or to have left
--            disputed somebody else's device that its address is registered as, once that was told; empty otherwise
--   away     device and time of each session that the device began in another space
--   behind   laptop that was left in the house, and from when to when it speaks for nobody; HUGE while it still does
-- Instants are epoch milliseconds of a clock that never goes back: TIME plus what it has ever gone back (`back` in KEYS[4]).
local LAYOUT = 3
local DUE, HORIZON, OPEN_SINCE, OPEN_LAST, BEFORE, VISITS, LINKS, AWAY, BEHIND = 2, 3, 4, 5, 6, 7, 8, 9, 10
local ID, SINCE, LAST, IS_OPEN, REVISION, BASE_FROM, BASE_TO, REASON, TOLD, HELD_UNTIL = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
local DEVICE, SESSION, NAS, LAPTOP, OPEN, REPORT_AT, FROM, POINTS = 1, 2, 3, 4, 5, 6, 7, 8
local RUN_KIND, RUN_FIRST, RUN_LAST, RUN_COUNT, OLDER_RUNS, CROSSED, OUTLIVED, DISPUTED = 9, 10, 11, 12, 13, 14, 15, 16
-- Rules of a space, milliseconds; the offset is what its time of day is ahead of UTC.
local IDLE, SETTLE, REJOIN, MAX_BLIND, LATE, OFFSET = 1, 2, 3, 4, 5, 6
local HUGE = 2 ^ 52
local min, max = math.min, math.max
-- A silence of ours that is longer than this is a gap in what we saw.
local GAP = 5000
-- A clock that goes back by more than this was set, not corrected.
local STEP = 2000
local MOST_INTERVALS = 16

local function append_entry(...)
  redis.call('XADD', KEYS[3], '*', ...)
end

-- Adds an interval to a flat list of {from, to, from, to, ...}; the oldest go first.
local function push_interval(list, from, to)
  list[#list + 1] = from
  list[#list + 1] = to
  while #list > MOST_INTERVALS do
    table.remove(list, 1)
    table.remove(list, 1)
  end
end

-- Reads the clock, or nothing when this is not the Redis that `epoch` speaks of. A step back is found here, before
-- anything is decided by it. `seeing` says that the caller's node takes observations in: then a gap ends here.
local function open_clock(epoch, seeing)
  local f = redis.call('HMGET', KEYS[4], 'epoch', 'beat', 'back', 'blinds', 'steps', 'sawUntil')
  if f[1] ~= epoch then return nil end
  local wall = read_time()
  local clock = { beat = tonumber(f[2] or 0), back = tonumber(f[3] or 0), seen_from = tonumber(f[6] or 0), nas = {}, blinds = {} }
  clock.own = f[4] and cmsgpack.unpack(f[4]) or {}
  clock.steps = f[5] and cmsgpack.unpack(f[5]) or {}
  clock.now = wall + clock.back
  if clock.now < clock.beat - STEP then
    local jump = clock.now - clock.beat
    clock.now = clock.beat
    clock.back = clock.now - wall
    push_interval(clock.steps, clock.now, clock.back)
    redis.call('HSET', KEYS[4], 'back', clock.back, 'steps', cmsgpack.pack(clock.steps))
    redis.call('HINCRBY', KEYS[4], 'stepCount', 1)
    append_entry('type', 'clockStepped', 'at', wall, 'jump', jump)
  end
  clock.stale = clock.now - clock.beat > GAP
  if clock.stale and seeing then
    push_interval(clock.own, clock.beat, clock.now)
    redis.call('HSET', KEYS[4], 'blinds', cmsgpack.pack(clock.own), 'beat', clock.now, 'sawUntil', clock.now)
    clock.seen_from = clock.now
    clock.beat = clock.now
    clock.stale = false
  end
  return clock
end

-- The time of day that a person would have read at this instant.
local function to_wall(clock, at)
  local back = 0
  for i = 1, #clock.steps, 2 do
    if clock.steps[i] <= at then back = clock.steps[i + 1] end
  end
  return at - back
end

local function pack_list(list)
  return #list > 0 and cmsgpack.pack(list) or ''
end
local NONE = {}
local function unpack_list(packed)
  return packed ~= '' and cmsgpack.unpack(packed) or NONE
end
-- A list of a record that is about to get longer.
local function growing(r, list)
  if r[list] == NONE then r[list] = {} end
  return r[list]
end

local function new_record()
  return { LAYOUT, 0, 0, 0, 0, 0, {}, {}, NONE, NONE }
end

local function visits_of(r)
  local visits = r[VISITS]
  if type(visits) == 'string' then
    visits = visits ~= '' and cmsgpack.unpack(visits) or {}
    r[VISITS] = visits
    if r[OPEN_LAST] > 0 then visits[#visits][LAST] = r[OPEN_LAST] end
  end
  return visits
end

-- A record is packed field by field: that takes half the time of MessagePack, which looks into every array twice and lets each grow.
local RECORD_FORMAT = '<BdddddHc0Hc0Hc0B'
local LINK_FORMAT = '<Hc0dddddBBbBddI4Hc0Hc0B'
-- The format that begins so and goes on with as many doubles as asked for.
local function and_doubles(start)
  local known = {}
  return function(count)
    local format = known[count]
    if not format then
      format = start .. string.rep('d', count)
      known[count] = format
    end
    return format
  end
end
local points_format, link_format = and_doubles('<'), and_doubles(LINK_FORMAT)

local function pack_record(r)
  local visits = r[VISITS]
  if type(visits) == 'table' then
    local newest, before = visits[#visits], visits[#visits - 1]
    if newest and newest[IS_OPEN] then
      r[OPEN_SINCE], r[OPEN_LAST], r[BEFORE] = newest[SINCE], newest[LAST], before and before[LAST] or 0
    else
      r[OPEN_SINCE], r[OPEN_LAST], r[BEFORE] = 0, 0, 0
    end
    visits = pack_list(visits)
    r[VISITS] = visits
  end
  local away, behind, links = pack_list(r[AWAY]), pack_list(r[BEHIND]), r[LINKS]
  local packed = struct.pack(RECORD_FORMAT, LAYOUT, r[DUE], r[HORIZON], r[OPEN_SINCE], r[OPEN_LAST], r[BEFORE], #visits, visits, #away, away,
    #behind, behind, #links)
  for _, l in ipairs(links) do
    local older, points = l[OLDER_RUNS], l[POINTS]
    packed = packed .. struct.pack(link_format(#points), #l[DEVICE], l[DEVICE], l[SESSION], l[NAS], l[REPORT_AT], l[FROM], l[OUTLIVED],
      l[LAPTOP] and 1 or 0, l[OPEN] and 1 or 0, l[CROSSED], l[RUN_KIND], l[RUN_FIRST], l[RUN_LAST], l[RUN_COUNT], #older, older, #l[DISPUTED],
      l[DISPUTED], #points, unpack(points))
  end
  return packed
end

local function unpack_record(packed)
  if string.byte(packed) ~= LAYOUT then return nil end
  local _, due, horizon, since, last, before, visits, away, behind, count, at = struct.unpack(RECORD_FORMAT, packed)
  local links = {}
  for n = 1, count do
    local device, session, nas, reported, from, outlived, laptop, open, crossed, kind, first, latest, reports, older, disputed, size
    device, session, nas, reported, from, outlived, laptop, open, crossed, kind, first, latest, reports, older, disputed, size, at =
      struct.unpack(LINK_FORMAT, packed, at)
    local points = { struct.unpack(points_format(size), packed, at) }
    at = points[size + 1]
    points[size + 1] = nil
    links[n] = { device, session, nas, laptop == 1, open == 1, reported, from, points, kind, first, latest, reports, older, crossed, outlived, disputed }
  end
  return { LAYOUT, due, horizon, since, last, before, visits, links, unpack_list(away), unpack_list(behind) }
end

-- The records of one call: each is read once and written once, however many reports of it there are.
local records, touched, is_touched = {}, {}, {}

-- What cannot be read is as good as lost, and must not hold up everyone else: presence then begins anew.
local function parse_record(packed)
  local readable, r = pcall(unpack_record, packed)
  if readable and r then return r end
  redis.log(redis.LOG_WARNING, 'rollcall: a record of presence cannot be read; that presence begins anew')
end

local function load_all(members)
  if #members == 0 then return end
  for i, packed in ipairs(redis.call('HMGET', KEYS[1], unpack(members))) do
    if packed and not records[members[i]] then records[members[i]] = parse_record(packed) end
  end
end

-- The record of a member among those that were loaded; the second result says that there was none.
local function record_of(member)
  local r = records[member]
  if r then return r end
  r = new_record()
  records[member] = r
  return r, true
end

-- A later deadline is not written: the timer finds the early score, sees that there is more time, and moves it then.
-- That is one sorted-set write per timeout instead of one per packet.
local function save(member, r, due)
  if r[DUE] == 0 or due < r[DUE] then
    r[DUE] = due
    redis.call('ZADD', KEYS[2], due, member)
  end
  if not is_touched[member] then
    is_touched[member] = true
    touched[#touched + 1] = member
  end
end

local function write_records()
  if #touched == 0 then return end
  local fields = {}
  for i, member in ipairs(touched) do fields[2 * i - 1], fields[2 * i] = member, pack_record(records[member]) end
  redis.call('HSET', KEYS[1], unpack(fields))
end

local function open_visit(r)
  local visits = visits_of(r)
  local newest = visits[#visits]
  if newest and newest[IS_OPEN] then return newest end
end

-- The open visit was active once more.
local function extend(r, at)
  r[OPEN_LAST] = at
  if type(r[VISITS]) == 'table' then open_visit(r)[LAST] = at end
end

-- Makes this part of a visit independent of the links that showed it, and of what held it together with what came `until` then.
local function hold(v, from, to, until_then)
  if v[BASE_FROM] == 0 or from < v[BASE_FROM] then v[BASE_FROM] = from end
  if to > v[BASE_TO] then v[BASE_TO] = to end
  if until_then and until_then > v[HELD_UNTIL] then v[HELD_UNTIL] = until_then end
end

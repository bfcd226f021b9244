-- What every presence script shares; scripts.ts puts it before each of them.
--
-- Presence of one customer in one space, packed by MessagePack in the hash KEYS[1]:
--   {version, phase, since, last, visit, previous, due, links}
--   since     first evidence of this visit           last  latest activity of this visit; of the previous one when absent
--   previous  end of the visit before this one       due   the score that stands in the sorted set KEYS[2]
--   links     what each device or accounting session has shown: {device, session, octets, activeAt, reportAt, open}
-- Instants are epoch milliseconds. At most MAX_LINKS links are kept; the least telling goes first.
local VERSION, PHASE, SINCE, LAST, VISIT, PREVIOUS, DUE, LINKS = 1, 2, 3, 4, 5, 6, 7, 8
local DEVICE, SESSION, OCTETS, ACTIVE_AT, REPORT_AT, OPEN = 1, 2, 3, 4, 5, 6
local ABSENT, ARRIVING, PRESENT = 0, 1, 2
local LAYOUT = 1
local MAX_LINKS = 8
local FORGET_AFTER = 86400000

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- What cannot be read is as good as lost, and must not hold up everyone else: presence then begins anew.
local function load(member)
  local packed = redis.call('HGET', KEYS[1], member)
  if packed then
    local readable, p = pcall(cmsgpack.unpack, packed)
    if readable and type(p) == 'table' and p[VERSION] == LAYOUT then return p end
    redis.log(redis.LOG_WARNING, 'rollcall: the presence of ' .. member .. ' cannot be read and begins anew')
  end
  return { LAYOUT, ABSENT, 0, 0, '', 0, 0, {} }
end

local function is_associated(p)
  for _, link in ipairs(p[LINKS]) do
    if link[OPEN] then return true end
  end
  return false
end

-- How long a silence ends it: a customer who is only arriving, and not associated, must not gather walk-bys.
local function quiet_after(p, idle, settle)
  if p[PHASE] == ARRIVING and not is_associated(p) then return math.min(idle, settle) end
  return idle
end

-- The instant at which this state must be looked at again.
local function due_at(p, idle, settle)
  if p[PHASE] == ABSENT then return p[LAST] + FORGET_AFTER end
  local quiet = p[LAST] + quiet_after(p, idle, settle) + 1
  if p[PHASE] == ARRIVING and is_associated(p) then return math.min(p[SINCE] + settle, quiet) end
  return quiet
end

-- A later deadline is not written: the timer finds the early score, sees that there is more time, and moves it then.
-- That is one sorted-set write per timeout instead of one per packet.
local function save(member, p, idle, settle)
  local due = due_at(p, idle, settle)
  if p[DUE] == 0 or due < p[DUE] then
    p[DUE] = due
    redis.call('ZADD', KEYS[2], due, member)
  end
  redis.call('HSET', KEYS[1], member, cmsgpack.pack(p))
end

local function emit(kind, member, p, now)
  local bar = string.find(member, '|', 1, true)
  local seen, devices = {}, {}
  for _, link in ipairs(p[LINKS]) do
    if link[ACTIVE_AT] >= p[SINCE] and not seen[link[DEVICE]] then
      seen[link[DEVICE]] = true
      devices[#devices + 1] = link[DEVICE]
    end
  end
  redis.call('XADD', KEYS[3], '*', 'type', kind, 'visit', p[VISIT], 'space', string.sub(member, 1, bar - 1),
    'customer', string.sub(member, bar + 1), 'arrivedAt', p[SINCE], 'lastActivityAt', p[LAST],
    'detectedAt', now, 'devices', table.concat(devices, ','))
end

local function depart(member, p, now)
  if p[PHASE] == PRESENT then emit('departed', member, p, now) end
  p[PHASE] = ABSENT
end

local function arrive(member, p, now)
  p[PHASE] = PRESENT
  emit('arrived', member, p, now)
end

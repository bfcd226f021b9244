-- What every presence script shares; scripts.ts puts it before each of them.
-- KEYS  1 presence (hash)  2 due (sorted set)  3 transitions (stream)  4 clock (hash)  5 nas (hash)
--
-- Presence of one customer in one space is a MessagePack array in KEYS[1], named `space|customer`:
--   {version, due, horizon, visits, links, away, behind}
--   due      the score that stands in KEYS[2]; 0 when it must be written anew
--   horizon  evidence up to here is settled for good and moves nothing
--   visits   {id, since, last, open, revision, baseFrom, baseTo, reason, told, heldUntil}, oldest first: what the ledger has been
--            told. base: the part whose links were forgotten; 0, 0 without one. told: the last activity as the ledger knows it.
--            heldUntil: of a visit that was put back after a loss, when its fresh idle window ends; -1 when it was blind too long
--   links    {device, session, nas, laptop, open, reportAt, from, points, runs, crossed, outlived, disputed}: what each device or accounting session has shown
--            from    when the session began, by its first report; 0 when that was a Start
--            points  time and octets of each report that showed activity, oldest first; fewer where that changes nothing
--            runs    kind, first, last and number of reports of one kind in a row, for `why`
--            crossed  how often it was active between reports of another access point's session; -1 once that was told
--            outlived when a report last proved by Acct-Session-Time that the session had lasted from its first point on
--            disputed somebody else's device that its address is registered as, once that was told; absent otherwise
--   away     device and time of each session that the device began in another space
--   behind   laptop that was left in the house, and from when to when it speaks for nobody; HUGE while it still does
-- Instants are epoch milliseconds of a clock that never goes back: TIME plus what it has ever gone back (`back` in KEYS[4]).
local LAYOUT = 2
local VERSION, DUE, HORIZON, VISITS, LINKS, AWAY, BEHIND = 1, 2, 3, 4, 5, 6, 7
local ID, SINCE, LAST, IS_OPEN, REVISION, BASE_FROM, BASE_TO, REASON, TOLD, HELD_UNTIL = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
local DEVICE, SESSION, NAS, LAPTOP, OPEN, REPORT_AT, FROM, POINTS, RUNS, CROSSED, OUTLIVED, DISPUTED = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
-- Rules of a space, milliseconds; the offset is what its time of day is ahead of UTC.
local IDLE, SETTLE, REJOIN, MAX_BLIND, LATE, OFFSET = 1, 2, 3, 4, 5, 6
local HUGE = 2 ^ 52
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

local function new_record()
  return { LAYOUT, 0, 0, {}, {}, {}, {} }
end

-- What cannot be read is as good as lost, and must not hold up everyone else: presence then begins anew.
local function load(member)
  local packed = redis.call('HGET', KEYS[1], member)
  if packed then
    local readable, r = pcall(cmsgpack.unpack, packed)
    if readable and type(r) == 'table' and r[VERSION] == LAYOUT then return r end
    redis.log(redis.LOG_WARNING, 'rollcall: the presence of ' .. member .. ' cannot be read and begins anew')
  end
  return new_record(), true
end

-- A later deadline is not written: the timer finds the early score, sees that there is more time, and moves it then.
-- That is one sorted-set write per timeout instead of one per packet.
local function save(member, r, due)
  if r[DUE] == 0 or due < r[DUE] then
    r[DUE] = due
    redis.call('ZADD', KEYS[2], due, member)
  end
  redis.call('HSET', KEYS[1], member, cmsgpack.pack(r))
end

local function open_visit(r)
  local visits = r[VISITS]
  local newest = visits[#visits]
  if newest and newest[IS_OPEN] then return newest end
end

-- Makes this part of a visit independent of the links that showed it.
local function hold(v, from, to)
  if v[BASE_FROM] == 0 or from < v[BASE_FROM] then v[BASE_FROM] = from end
  if to > v[BASE_TO] then v[BASE_TO] = to end
end

-- Looks at whoever is due: completes arrivals whose settle time has passed, ends visits that have been idle, forgets
-- customers who have been away for a day, and moves the deadline of everyone else.
-- KEYS  1 presence (hash)  2 due (sorted set)  3 transitions (stream)
-- ARGV  1 most customers to look at   2 MessagePack map: space -> {idle, settle}, milliseconds
--       3 most transitions that the stream may hold
-- Returns {how many were looked at, by how many milliseconds the latest departure was found too late}.
local now = now_ms()
if redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[3]) then return { 0, 0 } end
local spaces = cmsgpack.unpack(ARGV[2])
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))
local lag = 0
local UNKNOWN_SPACE_AGAIN = 60000

-- Whoever is still associated when the settle time has passed has stayed. Only a timer may say so: the Stop of a
-- walk-by may be right behind its delayed Start.
local function look_at(member, idle, settle)
  local p = load(member)
  if p[PHASE] == ARRIVING and is_associated(p) and now - p[SINCE] >= settle then arrive(member, p, now) end
  local silent = now - p[LAST] - quiet_after(p, idle, settle)
  if p[PHASE] ~= ABSENT and silent > 0 then
    lag = math.max(lag, silent)
    depart(member, p, now)
  end
  if p[PHASE] == ABSENT and now >= p[LAST] + FORGET_AFTER then
    redis.call('ZREM', KEYS[2], member)
    redis.call('HDEL', KEYS[1], member)
  else
    p[DUE] = 0
    save(member, p, idle, settle)
  end
end

for _, member in ipairs(due) do
  local space = spaces[string.sub(member, 1, string.find(member, '|', 1, true) - 1)]
  if not space then
    -- A space that this node does not know may be known to the others: nothing is decided about it here.
    redis.call('ZADD', KEYS[2], now + UNKNOWN_SPACE_AGAIN, member)
  else
    look_at(member, space[1], space[2])
  end
end
return { #due, lag }

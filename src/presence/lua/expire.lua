-- Looks at whoever is due: completes arrivals whose settle time has passed, ends visits that have been idle, forgets
-- customers who have been away for a day, and moves the deadline of everyone else.
-- KEYS  1 presence (hash)  2 due (sorted set)  3 transitions (stream)
-- ARGV  1 most customers to look at   2 MessagePack map: space -> {idle, settle}, milliseconds
--       3 most transitions that the stream may hold
-- Returns {how many were looked at, by how many milliseconds the latest departure was found too late}.
local now = now_ms()
if redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[3]) then return { 0, 0 } end
local spaces = cmsgpack.unpack(ARGV[2])
local due = redis.call('ZRANGE', KEYS[2], '-inf', now, 'BYSCORE', 'LIMIT', 0, tonumber(ARGV[1]))
local lag = 0

for _, member in ipairs(due) do
  local p = load(member)
  local space = spaces[string.sub(member, 1, string.find(member, '|', 1, true) - 1)]
  -- A space that is no longer configured sees nobody: its visits end where they were last active.
  local idle, settle = space and space[1] or 0, space and space[2] or 0
  -- Whoever is still associated when the settle time has passed has stayed. Only a timer may say so: the Stop of a
  -- walk-by may be right behind its delayed Start.
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
return { #due, lag }

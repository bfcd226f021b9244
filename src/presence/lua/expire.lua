-- Looks at whoever is due: completes arrivals whose settle time has passed, ends visits that have been idle, forgets
-- what is too old to be corrected, and moves the deadline of everyone else.
-- KEYS  1 presence (hash)  2 due (sorted set)  3 transitions (stream)  4 clock (hash)  5 nas (hash)
-- ARGV  1 epoch   2 MessagePack map: space -> {idle, settle, rejoin, maxBlind, late, offset}, milliseconds   3 most customers to look at
--       4 a text that no other call has, the stem of visit ids   5 most transitions that the stream may hold
-- Returns {how many were looked at, by how many milliseconds the latest departure was found too late}. After a gap in what we
-- saw it decides nothing until a node sees again.
local clock = open_clock(ARGV[1], false)
if not clock then return 'lost' end
if clock.stale or redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[5]) then return { 0, 0 } end
local now = clock.now
local spaces = cmsgpack.unpack(ARGV[2])
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, tonumber(ARGV[3]))
local latest = 0
local UNKNOWN_SPACE_AGAIN = 60000

load_all(due)
for i, member in ipairs(due) do
  local rules = spaces[string.sub(member, 1, string.find(member, '|', 1, true) - 1)]
  if not rules then
    -- A space that this node does not know may be known to the others: nothing is decided about it here.
    redis.call('ZADD', KEYS[2], now + UNKNOWN_SPACE_AGAIN, member)
  else
    local r = record_of(member)
    note_left_behind(r, now, rules)
    local look_at, lag = reconcile(member, r, clock, rules, ARGV[4] .. i .. '.', true)
    latest = max(latest, lag)
    prune(r, clock, rules[LATE])
    local again = look_at or forget_at(r, rules[LATE])
    if again <= now then
      redis.call('ZREM', KEYS[2], member)
      redis.call('HDEL', KEYS[1], member)
    else
      r[DUE] = 0
      save(member, r, again)
    end
  end
end
write_records()
return { #due, latest }

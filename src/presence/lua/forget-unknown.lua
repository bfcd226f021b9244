-- Removes records of customers whom the ledger does not know: their visits were refused, so nothing would ever come of them.
-- KEYS  1 presence (hash)  2 due (sorted set)  3 transitions (stream)  4 clock (hash)  5 nas (hash)
-- ARGV  1 epoch   2 MessagePack array of {member, visit}: the visit that was refused
-- Returns how many were removed. A record whose newest visit is another is somebody's who has come since under the same id.
local clock = open_clock(ARGV[1], false)
if not clock then return 'lost' end
local refused = cmsgpack.unpack(ARGV[2])
local members = {}
for i, entry in ipairs(refused) do members[i] = entry[1] end
load_all(members)
local removed = 0
for _, entry in ipairs(refused) do
  local member = entry[1]
  local visits = records[member] and visits_of(records[member]) or {}
  if #visits > 0 and visits[#visits][ID] == entry[2] then
    redis.call('HDEL', KEYS[1], member)
    redis.call('ZREM', KEYS[2], member)
    removed = removed + 1
  end
end
return removed

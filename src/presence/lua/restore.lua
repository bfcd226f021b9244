-- Puts visits of the ledger back into a Redis that has lost them. Every one begins a fresh idle window, since the time until now
-- is a gap in what we saw.
-- KEYS  1 presence (hash)  2 due (sorted set)
-- ARGV  1 MessagePack array of {member, visits}, visits as in record.lua   2 now, on the clock of presence, epoch milliseconds
-- Returns how many records were put back; one that is there already stays.
local put = 0
for _, entry in ipairs(cmsgpack.unpack(ARGV[1])) do
  local r = new_record()
  r[VISITS], r[DUE] = entry[2], tonumber(ARGV[2])
  if redis.call('HSETNX', KEYS[1], entry[1], pack_record(r)) == 1 then
    redis.call('ZADD', KEYS[2], r[DUE], entry[1])
    put = put + 1
  end
end
return put

-- Notes stations that belong to nobody, so that an admin may see and assign them; forgets them after a day.
-- KEYS  1 unregistered (hash: id -> packed)  2 unregistered-seen (sorted set: id by last seen)
-- ARGV  1 MessagePack array of {id, at, session, octets, left, details}; details is opaque here
--       2 how long to keep one, milliseconds   3 most stations to keep
-- Packed: {firstSeenAt, lastSeenAt, session, octets, details, left}. Returns 'ok'.
local FIRST, LAST, SESSION, OCTETS, DETAILS, LEFT = 1, 2, 3, 4, 5, 6
local time = redis.call('TIME')
local oldest = time[1] * 1000 - tonumber(ARGV[2])

for _, s in ipairs(cmsgpack.unpack(ARGV[1])) do
  local id, at, session, octets, left = s[1], s[2], s[3], s[4], s[5]
  local packed = redis.call('HGET', KEYS[1], id)
  local u = packed and cmsgpack.unpack(packed) or { at, at, session, -1, '', left }
  -- The same rule as for members: a session that shows no progress is not activity, and leaving is not either.
  local progress = not packed or (not left and (session ~= u[SESSION] or octets < 0 or octets ~= u[OCTETS]))
  u[FIRST] = math.min(u[FIRST], at)
  if progress then u[LAST] = math.max(u[LAST], at) end
  -- After roaming, the Stop of the old session is not about the new one.
  if not left or session == u[SESSION] then
    u[SESSION], u[DETAILS], u[LEFT] = session, s[6], left
    if octets >= 0 then u[OCTETS] = octets end
  end
  redis.call('HSET', KEYS[1], id, cmsgpack.pack(u))
  redis.call('ZADD', KEYS[2], u[LAST], id)
end

local gone = redis.call('ZRANGE', KEYS[2], '-inf', oldest, 'BYSCORE', 'LIMIT', 0, 256)
local excess = redis.call('ZCARD', KEYS[2]) - #gone - tonumber(ARGV[3])
if excess > 0 then gone = redis.call('ZRANGE', KEYS[2], 0, #gone + excess - 1) end
for i = 1, #gone do
  redis.call('HDEL', KEYS[1], gone[i])
  redis.call('ZREM', KEYS[2], gone[i])
end
return 'ok'

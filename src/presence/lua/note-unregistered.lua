-- Notes stations that belong to nobody, so that an admin may see and assign them; forgets them after a day.
-- KEYS  1 unregistered (hash: id -> packed)  2 unregistered-seen (sorted set: id by last seen)
-- ARGV  1 MessagePack array of {id, at, session, octets, left, details, hostname}; details and hostname are opaque here,
--         and hostname is '' where the report has none
--       2 how long to keep one, milliseconds   3 most stations to keep
-- Packed: {firstSeenAt, lastSeenAt, session, octets, details, left, reportAt, hostname}. Returns 'ok'.
local FIRST, LAST, SESSION, OCTETS, DETAILS, LEFT, REPORT_AT, HOSTNAME = 1, 2, 3, 4, 5, 6, 7, 8
local time = redis.call('TIME')
local oldest = time[1] * 1000 - tonumber(ARGV[2])

for _, s in ipairs(cmsgpack.unpack(ARGV[1])) do
  local id, at, session, octets, left = s[1], s[2], s[3], s[4], s[5]
  local packed = redis.call('HGET', KEYS[1], id)
  local u = packed and cmsgpack.unpack(packed) or { at, at, session, -1, s[6], left, 0, '' }
  local same = session == u[SESSION]
  -- The same rule as for members: a session that shows no progress is not activity.
  local progress = not packed or not same or octets < 0 or octets ~= math.max(u[OCTETS], 0)
  u[FIRST] = math.min(u[FIRST], at)
  if progress and at > u[LAST] then u[LAST] = at end
  -- Only the newest report says where it is now; after roaming, the Stop of the old session is not about the new one.
  if at >= u[REPORT_AT] and (same or not left) then
    u[REPORT_AT], u[SESSION], u[DETAILS], u[LEFT] = at, session, s[6], left
    if octets >= 0 or not same then u[OCTETS] = octets end
  end
  -- Few sources tell a name, and those seldom: the last one that was told stays.
  u[HOSTNAME] = s[7] ~= '' and s[7] or u[HOSTNAME] or ''
  redis.call('HSET', KEYS[1], id, cmsgpack.pack(u))
  redis.call('ZADD', KEYS[2], u[LAST], id)
end

local gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', oldest, 'LIMIT', 0, 256)
local excess = redis.call('ZCARD', KEYS[2]) - #gone - tonumber(ARGV[3])
if excess > 0 then gone = redis.call('ZRANGE', KEYS[2], 0, #gone + excess - 1) end
for i = 1, #gone do
  redis.call('HDEL', KEYS[1], gone[i])
  redis.call('ZREM', KEYS[2], gone[i])
end
return 'ok'

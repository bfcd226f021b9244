-- Once a second, from each node whose sources take observations in: ends a gap in what we saw, notes which NASes were heard,
-- and finds those that have fallen silent.
-- KEYS  1 presence (hash)  2 due (sorted set)  3 transitions (stream)  4 clock (hash)  5 nas (hash)
-- ARGV  1 epoch   2 MessagePack array of NASes heard since the last beat: {number, cadence, isSet, sendsNone, stations, details}
--           cadence  milliseconds between two interims, 0 unknown   details  opaque here: whose it is and what it is called
-- Returns {wall, stepCount, sawUntil, nasStates}: wall is Redis TIME in epoch milliseconds plus `back`; nasStates is a
-- MessagePack array of all NASes, {number, heardAt, cadence, isSet, sendsNone, stations, blindSince, details}.
-- A NAS is blind when its cadence is known, three of its stations were active, and nothing at all has come from it for 2.2
-- cadences; the next packet ends that.
local clock = open_clock(ARGV[1], true)
if not clock then return 'lost' end
local now = clock.now
redis.call('HSET', KEYS[4], 'beat', now)

local function put(number, nas)
  redis.call('HSET', KEYS[5], number, cmsgpack.pack(nas))
end
local function tell(type, number, nas, since)
  append_entry('type', type, 'nas', number, 'at', to_wall(clock, now), 'since', to_wall(clock, since), 'cadence', nas[N_CADENCE],
    'details', nas[N_DETAILS])
end

for _, h in ipairs(cmsgpack.unpack(ARGV[2])) do
  local number = string.format('%.0f', h[1])
  local nas = load_nas(h[1])
  if nas[N_BLIND] > 0 then
    push_interval(nas[N_BLINDS], nas[N_BLIND], now)
    tell('nasUp', number, nas, nas[N_BLIND])
    nas[N_BLIND] = 0
  end
  nas[N_HEARD] = now
  nas[N_CADENCE], nas[N_SET], nas[N_NONE], nas[N_STATIONS], nas[N_DETAILS] = h[2], h[3], h[4], h[5], h[6]
  put(number, nas)
end

local states = {}
local all = redis.call('HGETALL', KEYS[5])
local LONG_GONE = 7 * 86400000
for i = 1, #all, 2 do
  local number, nas = all[i], cmsgpack.unpack(all[i + 1])
  local heard = max(nas[N_HEARD], clock.seen_from)
  if is_watched(nas) and now - heard > silence_of(nas) then
    nas[N_BLIND] = nas[N_HEARD]
    put(number, nas)
    tell('nasDown', number, nas, nas[N_HEARD])
  end
  if now - nas[N_HEARD] > LONG_GONE then
    redis.call('HDEL', KEYS[5], number)
  else
    states[#states + 1] = { number, nas[N_HEARD], nas[N_CADENCE], nas[N_SET], nas[N_NONE], nas[N_STATIONS], nas[N_BLIND], nas[N_DETAILS] }
  end
end
return { now - clock.back, tonumber(redis.call('HGET', KEYS[4], 'stepCount') or 0), clock.seen_from, cmsgpack.pack(states) }

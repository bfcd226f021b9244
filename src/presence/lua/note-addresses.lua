-- Notes which station has which network address, or has it no more. What was said last, by the time of its report, holds.
-- KEYS  for each item: 1 address-holder (hash: link -> 'until at address')  2 address (hash: station -> 'until sealed');
--       of an end, whose address nobody need know, the second is the first once more
-- ARGV  1 MessagePack array of {link, at, until, address, station, sealed}; address is '' for an end
--       2 how many links of a station, and stations of an address, are kept
-- A link is one session, or one lease; it has one address at a time. Returns which items, from 1, were too late to hold.
local time = redis.call('TIME')
local now = time[1] * 1000

-- Drops what is over, and of too many an end, or else what would be over first; the key goes with its last entry.
local function keep_few(key, most)
  local entries = redis.call('HGETALL', key)
  local left, latest, first, least = 0, 0, nil, math.huge
  for i = 1, #entries, 2 do
    local till = tonumber(string.match(entries[i + 1], '^%d+'))
    if till <= now then
      redis.call('HDEL', key, entries[i])
    else
      left, latest = left + 1, math.max(latest, till)
      local worth = string.sub(entries[i + 1], -1) == ' ' and till - 1e13 or till
      if worth < least then first, least = entries[i], worth end
    end
  end
  if left > most then redis.call('HDEL', key, first) end
  if left > 0 then redis.call('PEXPIREAT', key, string.format('%.0f', latest)) end
end

local late = {}
for i, item in ipairs(cmsgpack.unpack(ARGV[1])) do
  local holder, holders = KEYS[2 * i - 1], KEYS[2 * i]
  local link, at, till, address, station, sealed = item[1], item[2], item[3], item[4], item[5], item[6]
  local before = redis.call('HGET', holder, link)
  local before_at, before_address = string.match(before or '', '^%d+ (%d+) (.*)$')
  local is_news = not before or at > tonumber(before_at) or (at == tonumber(before_at) and before_address ~= '')
  if not is_news or till <= now then
    late[#late + 1] = i
  else
    redis.call('HSET', holder, link, string.format('%.0f %.0f %s', till, at, address))
    keep_few(holder, tonumber(ARGV[2]))
    if address ~= '' then
      local other = redis.call('HGET', holders, station)
      -- Another session of the same station may hold it for longer.
      if not other or tonumber(string.match(other, '^%d+')) < till then
        redis.call('HSET', holders, station, string.format('%.0f %s', till, sealed))
      end
      keep_few(holders, tonumber(ARGV[2]))
    end
  end
end
return late

-- The one clock of presence: Redis TIME in epoch milliseconds, read once per script.
local function read_time()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

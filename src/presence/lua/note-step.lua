-- The clock of Redis has jumped forward, as a node has found by its own. To presence that is a gap in what we saw, which is
-- noted already; this tells it once, whichever nodes have noticed.
-- KEYS  1 presence (hash)  2 due (sorted set)  3 transitions (stream)  4 clock (hash)  5 nas (hash)
-- ARGV  1 epoch   2 the step count by which the node found it   3 the jump, milliseconds
-- Returns the step count.
local clock = open_clock(ARGV[1], true)
if not clock then return 'lost' end
local count = tonumber(redis.call('HGET', KEYS[4], 'stepCount') or 0)
if count ~= tonumber(ARGV[2]) then return count end
push_interval(clock.own, clock.now - tonumber(ARGV[3]), clock.now)
redis.call('HSET', KEYS[4], 'blinds', cmsgpack.pack(clock.own), 'sawUntil', clock.now)
append_entry('type', 'clockStepped', 'at', to_wall(clock, clock.now), 'jump', ARGV[3])
return redis.call('HINCRBY', KEYS[4], 'stepCount', 1)

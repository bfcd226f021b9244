-- Forgets what is known of customers who are not to be seen any more: ends the visits that are open, where they were last active,
-- and removes their records, with all evidence and the timers.
-- KEYS  1 presence (hash)  2 due (sorted set)  3 transitions (stream)  4 clock (hash)  5 nas (hash)
-- ARGV  1 epoch   2 why the visits end: manual or erased   3 MessagePack array of members
-- Returns how many records there were.
local clock = open_clock(ARGV[1], false)
if not clock then return 'lost' end
local members = cmsgpack.unpack(ARGV[3])
local found = 0
load_all(members)
for _, member in ipairs(members) do
  redis.call('ZREM', KEYS[2], member)
  if redis.call('HDEL', KEYS[1], member) == 1 then
    found = found + 1
    local r = records[member]
    local visit = r and open_visit(r)
    if visit then
      r[LINKS] = {}
      visit[IS_OPEN], visit[REASON] = false, ARGV[2]
      emit(member, r, clock, visit, 'closed')
    end
    append_entry('type', 'withdrawn', 'customer', string.sub(member, string.find(member, '|', 1, true) + 1))
  end
end
return found

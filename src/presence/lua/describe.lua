-- What is known of some customers in one space now, and what is due when. Changes nothing.
-- KEYS  1 presence (hash)  2 due (sorted set)  3 transitions (stream)  4 clock (hash)  5 nas (hash)
-- ARGV  1 epoch   2 rules: MessagePack {idle, settle, rejoin, maxBlind, late, offset}   3 MessagePack array of members
-- Returns a MessagePack array, in that order, of {visits, links, reach, stale, behind} or false for nobody known; reach is when idleness would
-- end the newest evidence, -1 while something that it depends on is blind. Instants are those that a person would have read.
local clock = open_clock(ARGV[1], false)
if not clock then return 'lost' end
local rules = cmsgpack.unpack(ARGV[2])
local answer = {}
local function wall(at) return to_wall(clock, at) end

local members = cmsgpack.unpack(ARGV[3])
load_all(members)
for n, member in ipairs(members) do
  local r, unknown = record_of(member)
  if unknown then
    answer[n] = false
  else
    local pieces = components(r, clock, rules, true)
    local newest = pieces[#pieces]
    local reach = newest and (newest.reach >= HUGE and -1 or wall(newest.due)) or 0
    local visits, links = {}, {}
    for i, v in ipairs(visits_of(r)) do visits[i] = { v[ID], wall(v[SINCE]), max(wall(v[SINCE]), wall(v[LAST])), v[IS_OPEN], v[REASON] } end
    for i, l in ipairs(r[LINKS]) do
      local nas = nas_of(clock, l[NAS])
      local points = l[POINTS]
      local runs = {}
      for k, value in ipairs(all_runs(l)) do runs[k] = (k % 4 == 2 or k % 4 == 3) and wall(value) or value end
      links[i] = { l[DEVICE], points[1] and wall(points[#points - 1]) or 0, wall(l[REPORT_AT]), l[OPEN] and l[REPORT_AT] >= nas[N_RESET],
        patience(nas, rules[IDLE]), nas[N_BLIND] > 0, nas[N_DETAILS], runs }
    end
    local behind = {}
    for i = 1, #r[BEHIND], 3 do
      if r[BEHIND][i + 2] == HUGE then behind[#behind + 1] = { r[BEHIND][i], wall(r[BEHIND][i + 1]) } end
    end
    answer[n] = { visits, links, reach, clock.stale, behind }
  end
end
return cmsgpack.pack(answer)

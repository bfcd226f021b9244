-- Takes a batch of sightings: merges each into the presence of its customer and space, and appends the transitions.
-- KEYS  1 presence (hash)  2 due (sorted set)  3 transitions (stream)
-- ARGV  1 MessagePack array of {member, device, session, kind, at, from, octets, idle, settle}
--         session  number of the accounting session, 0 without one   kind  0 associated  1 active  2 left  3 started
--         at, from epoch milliseconds: when it was reported, since when the session has lasted (at, when unknown)
--         octets   since the session began, -1 without counters    idle, settle  milliseconds
--       2 a text that no other batch has, the stem of visit ids    3 most transitions that the stream may hold
-- Returns 'ok', or 'full': nothing was recorded, because the ledger is too far behind.
if redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[3]) then return 'full' end
local now = now_ms()
local ASSOCIATED, ACTIVE, LEFT, STARTED = 0, 1, 2, 3

local function find_link(p, device, session)
  for _, link in ipairs(p[LINKS]) do
    if link[DEVICE] == device and link[SESSION] == session then return link end
  end
end

-- The latest activity must outlive its link's neighbours, and an open session its counters: closed ones go first.
local function add_link(p, link)
  local links = p[LINKS]
  if #links >= MAX_LINKS then
    local newest, victim, least = 1, 1, math.huge
    for i = 2, #links do
      if links[i][ACTIVE_AT] > links[newest][ACTIVE_AT] then newest = i end
    end
    for i, l in ipairs(links) do
      local worth = l[ACTIVE_AT] + (l[OPEN] and 1e13 or 0) + (i == newest and 1e14 or 0)
      if worth < least then victim, least = i, worth end
    end
    table.remove(links, victim)
  end
  links[#links + 1] = link
end

-- What a report shows of activity: from when to when, or nothing when it shows no progress (RFC 2869, section 2.1:
-- counters are cumulative). A report older than the newest one of its session can only move activity earlier.
local function activity(p, device, session, kind, at, from, octets)
  local link = find_link(p, device, session)
  if not link then
    local quiet = kind ~= STARTED and octets == 0
    local last = quiet and from or at
    if kind == LEFT and session == 0 then return nil end
    add_link(p, { device, session, octets, last, at, kind == ASSOCIATED or kind == STARTED })
    return from, last
  end
  -- Event-Timestamp counts seconds, so reports of one second are ordered by what they say.
  local late = at < link[REPORT_AT] or (at == link[REPORT_AT] and (octets <= link[OCTETS] or not link[OPEN]))
  if late then
    if kind == LEFT and at == link[REPORT_AT] then link[OPEN] = false end
    if kind == STARTED or octets < 0 then return at, at end
    if octets == link[OCTETS] and at < link[ACTIVE_AT] then link[ACTIVE_AT] = at end
    return nil
  end
  local progress = kind == STARTED or octets ~= math.max(link[OCTETS], 0)
  if session == 0 and kind == LEFT then progress = false end
  link[REPORT_AT] = at
  if octets >= 0 then link[OCTETS] = octets end
  if kind ~= ACTIVE then link[OPEN] = kind ~= LEFT end
  if not progress then return nil end
  link[ACTIVE_AT] = at
  return at, at
end

local function begin(p, from, last, visit)
  p[PREVIOUS] = p[LAST]
  p[PHASE], p[SINCE], p[LAST], p[VISIT] = ARRIVING, math.max(from, p[PREVIOUS]), last, visit
end

-- Activity never reaches past the latest report, and a repeat changes nothing: the newest link says when it was.
local function latest_activity(p)
  local last = p[SINCE]
  for _, link in ipairs(p[LINKS]) do
    if link[ACTIVE_AT] > last then last = link[ACTIVE_AT] end
  end
  return last
end

for i, s in ipairs(cmsgpack.unpack(ARGV[1])) do
  local member, idle, settle = s[1], s[8], s[9]
  -- Nothing happens after now, whatever clock the sender of the batch has.
  local at = math.min(s[5], now)
  local p = load(member)
  local quiet = quiet_after(p, idle, settle)
  local from, last = activity(p, s[2], s[3], s[4], at, math.min(s[6], at), s[7])
  if p[PHASE] ~= ABSENT and from and from > p[LAST] + quiet then depart(member, p, now) end
  if p[PHASE] == ABSENT then
    if from and last > p[LAST] then begin(p, from, last, ARGV[2] .. i) end
  else
    if from and last >= p[SINCE] - idle and from < p[SINCE] then
      p[SINCE] = math.max(from, p[PREVIOUS])
      if p[PHASE] == PRESENT then emit('backdated', member, p, now) end
    end
    p[LAST] = latest_activity(p)
  end
  if p[PHASE] == ARRIVING and p[LAST] - p[SINCE] >= settle then arrive(member, p, now) end
  save(member, p, idle, settle)
end
return 'ok'

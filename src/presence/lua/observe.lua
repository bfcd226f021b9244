-- Takes a batch of sightings: adds each to the evidence of its customer and space, and appends what follows from it.
-- KEYS  1 presence (hash)  2 due (sorted set)  3 transitions (stream)  4 clock (hash)  5 nas (hash)
-- ARGV  1 epoch   2 MessagePack array of {member, device, session, kind, at, from, octets, rule, nas, laptop[, device, customer, wins]}
--           session  number of the accounting session, 0 without one   kind  0 interim  1 active  2 left  3 started
--           at, from epoch milliseconds: when it was reported, since when the session has lasted (at, when unknown)
--           octets   since the session began, -1 without counters   rule  which of the rules applies, from 1
--           nas      number of the NAS, 0 without one   laptop  whether association alone is no activity of this device
--           device, customer   the device that the address is registered as, and the other customer: its owner; or, where its
--                    registration wins, whom the network has authenticated
--       3 MessagePack array of rules: {idle, settle, rejoin, maxBlind, late, offset} in milliseconds, and the space
--       4 a text that no other batch has, the stem of visit ids   5 most transitions that the stream may hold
-- Returns 'ok'; or {'ok', nas, gap, kind, index, ...}, some pauses between two reports of a session (index: which sighting, from
-- 0); or 'full': nothing was recorded, because the ledger is too far behind; or 'lost': this is not the Redis of that epoch.
if redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[5]) then return 'full' end
local clock = open_clock(ARGV[1], true)
if not clock then return 'lost' end
local rules_of = cmsgpack.unpack(ARGV[3])
local now = clock.now
local reply = { 'ok' }
local MOST_PAUSES = 33
local SPACE = 7

-- A pause in which we or the NAS were blind says nothing about how often it reports.
local function was_blind(link, at)
  for _, blind in ipairs(blinds_of(clock, link[NAS])) do
    if blind[1] < at and blind[2] > link[REPORT_AT] then return true end
  end
  return false
end

-- A pause longer than the timeout counts when Acct-Session-Time proves that the session lasted through it. Reports that come late
-- may have overtaken those between them, and teach nothing.
local ON_TIME = 60000
local function note_pause(link, kind, at, from, index, idle)
  local pause = at - link[REPORT_AT]
  local counts = kind == INTERIM or (kind == LEFT and pause > idle)
  if counts and now - at <= min(ON_TIME, idle / 2) and #reply < MOST_PAUSES and link[NAS] ~= 0 and link[REPORT_AT] > clock.seen_from and
    (pause <= idle or (from <= link[REPORT_AT] and not was_blind(link, at))) then
    local n = #reply
    reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = link[NAS], pause, kind, index - 1
    -- Of a NAS that nothing is known of, one session that lived through more silence than the timeout is proof enough.
    local nas = pause > idle and nas_of(clock, link[NAS])
    if nas and nas[N_CADENCE] == 0 then
      if kind == LEFT then nas[N_NONE] = true else nas[N_CADENCE] = pause end
    end
  end
end

-- Whether activity merely lets the open visit go on: most of it does, and then nothing has to be worked out anew.
local function goes_on(r, link, added, is_first, idle)
  local last = r[OPEN_LAST]
  if last == 0 or added < last or added > last + idle then return false end
  -- What it has shown before, in an earlier visit or too briefly to be one, may make the two one.
  local points = link[POINTS]
  local before = #points > 2 and points[#points - 3]
  if before and (before <= r[BEFORE] or before < r[OPEN_SINCE]) then return false end
  if is_first and link[FROM] > 0 and link[FROM] < r[OPEN_SINCE] then return false end
  if #r[BEHIND] > 0 then return false end
  return #r[AWAY] == 0 or not away_after(r, link[DEVICE], link[SESSION] == 0 and last or points[1])
end

-- A script may have 200 local variables, so what only this part needs is local to it.
local move
do
  local push_away

  -- Whether a link shows its device here at some moment from `from` to `to`.
  local function shows(link, from, to)
    local points = link[POINTS]
    if link[SESSION] ~= 0 then return points[1] and began_at(link) <= to and points[#points - 1] >= from end
    for i = 1, #points, 2 do
      if from <= points[i] and points[i] <= to then return true end
    end
  end

  local function was_here(r, device, from, to)
    for _, l in ipairs(r[LINKS]) do
      if l[DEVICE] == device and shows(l, from, to) then return true end
    end
    return false
  end

  -- The earliest goes first, and with it what it parted: visits from before it are settled, or they would become one again.
  local MOST_AWAY = 64
  local function forget_earliest_away(r)
    local away, visits, first = r[AWAY], visits_of(r), 2
    for i = 4, #away, 2 do
      if away[i] < away[first] then first = i end
    end
    while visits[1] and not visits[1][IS_OPEN] and visits[1][LAST] < away[first] do
      r[HORIZON] = max(r[HORIZON], visits[1][LAST])
      table.remove(visits, 1)
    end
    table.remove(away, first)
    table.remove(away, first - 1)
  end

  -- Of the sessions that a device begins elsewhere without having been here in between, only the first says anything. Answers
  -- whether this one does.
  function push_away(r, device, at)
    local away = growing(r, AWAY)
    for i = 1, #away, 2 do
      local from, to = min(away[i + 1], at), max(away[i + 1], at)
      if away[i] == device and (from == to or not was_here(r, device, from, to)) then
        local is_earlier = from < away[i + 1]
        away[i + 1] = from
        return is_earlier
      end
    end
    away[#away + 1], away[#away + 2] = device, at
    while #away > MOST_AWAY do forget_earliest_away(r) end
    return true
  end

  -- When a link first says that its device is there instead of where it was seen at `at`; nothing when it never does.
  local function leads_away_at(link, at)
    if link[SESSION] ~= 0 then return began_at(link) end
    local points = link[POINTS]
    for i = 1, #points, 2 do
      if points[i] > at then return points[i] end
    end
  end

  -- A device that begins a session here, or is seen without one, is in no other space from then on, and the other way round.
  function move(member, r, link, rules, at, stem)
    local customer = string.sub(member, (string.find(member, '|', 1, true)))
    local others = {}
    for n, other_rules in ipairs(rules_of) do others[n] = other_rules[SPACE] .. customer end
    load_all(others)
    for n, other_rules in ipairs(rules_of) do
      local other = others[n]
      if other ~= member then
        local there = record_of(other)
        local was_there = false
        for _, l in ipairs(there[LINKS]) do
          if l[DEVICE] == link[DEVICE] and l[POINTS][1] then
            local led_away = leads_away_at(l, at)
            if led_away then push_away(r, link[DEVICE], led_away) end
            was_there = true
          end
        end
        if was_there and push_away(there, link[DEVICE], at) then
          local due = reconcile(other, there, clock, other_rules, stem .. n .. 'x', false)
          save(other, there, due or forget_at(there, other_rules[LATE]))
        end
      end
    end
  end
end

local function tell_conflict(member, link, other, device, owner, winner)
  local bar = string.find(member, '|', 1, true)
  append_entry('type', 'conflict', 'space', string.sub(member, 1, bar - 1), 'customer', string.sub(member, bar + 1),
    'device', device, 'owner', owner, 'at', to_wall(clock, now), 'details', nas_of(clock, link[NAS])[N_DETAILS],
    'otherDetails', other and nas_of(clock, other[NAS])[N_DETAILS] or '', 'winner', winner or '')
end

local function tell_crossing(member, link, other)
  link[CROSSED] = -1
  if other then other[CROSSED] = -1 end
  tell_conflict(member, link, other, link[DEVICE], '')
end

-- One radio is at one place. Somebody else has its address when two access points see it go on in turn, which roaming does not
-- explain: then it would have begun a new session. Each session tells of it once.
local CROSSINGS = 2
local function note_crossing(member, r, link, heard, at)
  if link[CROSSED] < 0 or link[SESSION] == 0 or heard == 0 or at < heard then return end
  local device = link[DEVICE]
  local moved_at = away_after(r, device, link[POINTS][1])
  if moved_at and heard > moved_at then
    tell_crossing(member, link)
    return
  end
  for _, other in ipairs(r[LINKS]) do
    if other[DEVICE] == device and other[NAS] ~= link[NAS] and other[SESSION] ~= 0 and heard < other[REPORT_AT] and other[OPEN] then
      link[CROSSED] = min(link[CROSSED] + 1, CROSSINGS)
      if link[CROSSED] >= CROSSINGS and (other[CROSSED] >= CROSSINGS or other[CROSSED] < 0) then tell_crossing(member, link, other) end
      return
    end
  end
end

-- Whose it is was decided by the rules of the space. That the registration and the identity disagree is told once, for as long
-- as one of its sessions is remembered.
local function note_dispute(member, r, link, device, other, device_wins)
  local is_told = false
  for _, l in ipairs(r[LINKS]) do is_told = is_told or l[DEVICE] == link[DEVICE] and l[DISPUTED] == device end
  link[DISPUTED] = device
  if not is_told then tell_conflict(member, link, nil, device, other, device_wins and 'device' or 'identity') end
end

-- Points that are no further apart hold together.
local function span_of(rules, session)
  return session == 0 and rules[IDLE] or max(rules[IDLE], rules[REJOIN])
end

local sightings = cmsgpack.unpack(ARGV[2])
local members = {}
for i, s in ipairs(sightings) do members[i] = s[1] end
load_all(members)

for i, s in ipairs(sightings) do
  local member, device, session, kind, octets = s[1], s[2], s[3], s[4], s[7]
  local rules = rules_of[s[8]]
  -- Nothing happens after now, whatever clock the sender of the batch has.
  local at = min(s[5] + clock.back, now)
  local r = record_of(member)
  local link = find_link(r, device, session)
  if at <= r[HORIZON] or at < now - rules[LATE] then
    if link then
      note_run(link, RUN_LATE, at)
      save(member, r, HUGE)
    end
  else
    local begins = not link
    if begins then
      link = add_link(r, { device, session, s[9], s[10], false, 0, 0, {}, 0, 0, 0, 0, '', 0, 0, '' })
    elseif at > link[REPORT_AT] then
      note_pause(link, kind, at, s[6] + clock.back, i, rules[IDLE])
    end
    local heard = link[REPORT_AT]
    local added, moved, is_first = report(r, link, kind, at, min(s[6] + clock.back, at), octets, span_of(rules, session), nas_of(clock, link[NAS]))
    if is_first then link[FROM] = kind == STARTED and 0 or min(s[6] + clock.back, at) end
    -- A Start of a session that is known is that of another with the same id.
    local began = begins and began_at(link) or (kind == STARTED or session == 0) and added
    if began and #rules_of > 1 then move(member, r, link, rules, began, ARGV[4] .. i) end
    if added then
      if #r[BEHIND] > 0 then note_back(r, link, begins, at) end
      if #r[LINKS] > 1 or #r[AWAY] > 0 then note_crossing(member, r, link, heard, added) end
    end
    if s[11] and link[DISPUTED] ~= s[11] then note_dispute(member, r, link, s[11], s[12], s[13]) end
    if kind ~= LEFT and added and not moved and goes_on(r, link, added, is_first, rules[IDLE]) then
      extend(r, added)
      save(member, r, HUGE)
    elseif added or moved or kind == LEFT or rules[SETTLE] > 0 or at == link[POINTS][#link[POINTS] - 1] then
      -- The newest activity once more may be an old one seen with new knowledge of its NAS.
      local due = reconcile(member, r, clock, rules, ARGV[4] .. i .. '.', false)
      save(member, r, due or forget_at(r, rules[LATE]))
    else
      save(member, r, r[DUE] == 0 and forget_at(r, rules[LATE]) or HUGE)
    end
  end
end
write_records()
return #reply == 1 and 'ok' or reply

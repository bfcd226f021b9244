-- Visits as a function of the evidence, of what was blind when, and of the time: nothing here depends on the order in which
-- reports came.
local MOST_SESSION = 86400000

-- When that device, or any without one, was first in another space after `at`.
local function away_after(r, device, at)
  local first
  local away = r[AWAY]
  for i = 1, #away, 2 do
    local t = away[i + 1]
    if (not device or away[i] == device) and t > at and (not first or t < first) then first = t end
  end
  return first
end

-- Until when a session that began then speaks for its device: until that begins one in another space. Without a session, each
-- sighting is as good as the beginning of one.
local function over_from(r, link, at)
  return #r[AWAY] > 0 and away_after(r, link[DEVICE], at) or HUGE
end

-- Since when the session is known to have lasted; nothing without any activity.
local function began_at(link)
  return link[FROM] > 0 and link[FROM] or link[POINTS][1]
end

local function link_items(r, clock, rules, link, items)
  local nas = nas_of(clock, link[NAS])
  local wait = patience(nas, rules[IDLE])
  local blinds = blinds_of(clock, link[NAS])
  local endless = nas[N_NONE] and not link[LAPTOP]
  local associated = link[OPEN] and link[REPORT_AT] >= nas[N_RESET]
  local points = link[POINTS]
  local rejoin = max(rules[IDLE], rules[REJOIN])
  -- Without a session, nothing shows that somebody who was idle had not left.
  local is_session = link[SESSION] ~= 0
  if not is_session then rejoin = rules[IDLE] end
  local span = endless and MOST_SESSION or max(wait, rejoin)
  -- A Stop is the last word of a session: no further report is waited for.
  if not link[OPEN] then wait = rules[IDLE] end
  local over = points[1] and over_from(r, link, began_at(link))
  for i = 1, #points, 2 do
    local t, next = points[i], points[i + 2]
    -- With a restart of the NAS another session has begun, whatever its id.
    if i > 1 and #r[AWAY] > 0 and (not is_session or restarted_between(nas, link, points[i - 2], t)) then over = over_from(r, link, t) end
    if t > r[HORIZON] and t < over and not is_behind(r, link[DEVICE], t) then
      local item = { t = t, last = t, plain = t + rules[IDLE], literal = t + rules[IDLE], device = link[DEVICE], link = link, why = 'idle' }
      local reach = t + wait
      if endless and not next and link[OPEN] then
        -- Without interims, a session that nobody has ended goes on.
        if associated then
          reach = t + MOST_SESSION
        else
          item.last = max(t, min(reset_after(nas, link[REPORT_AT]), t + MOST_SESSION))
          reach = item.last + wait
        end
      end
      local lost
      reach, lost = seen_through(blinds, t, reach, wait, rules[MAX_BLIND], clock.now)
      -- Until a NAS that ought to be heard has been heard again, or found to be blind, nothing is due.
      local heard = max(nas[N_HEARD], clock.seen_from)
      if not next and not lost and link[OPEN] and is_watched(nas) and reach >= heard then
        item.due = reach
        reach, lost = seen_through(blinds, t, max(reach, heard + silence_of(nas) + BLIND_AFTER), wait, rules[MAX_BLIND], clock.now)
      end
      if lost then item.why = 'sourceLost' end
      -- What follows a restart of the NAS is another session, even should it have the same id.
      local bridged = next and next - t <= span and not restarted_between(nas, link, t, next) and next < over and not is_behind(r, link[DEVICE], next)
      local away = away_after(r, link[DEVICE], t)
      if away then
        if away <= reach then reach, item.why, item.plain = away - 1, 'transfer', min(item.plain, away - 1) end
        -- Whoever had left by then was not here until the restart.
        if away <= item.last then item.last = t end
        item.literal = min(item.literal, away - 1)
        if bridged and away <= next then bridged = false end
      end
      item.reach = reach
      item.bridge = bridged and next or 0
      if bridged and next - t <= rejoin then item.literal = max(item.literal, next) end
      if i == 1 and link[FROM] > 0 and link[FROM] < t then item.from = link[FROM] end
      items[#items + 1] = item
    end
  end
end

-- What a device shows later, here or at another access point, speaks for it from then on. Not so the late Stop of a session that
-- it has left: that says where it is no more.
local function is_farewell(item, at)
  local link = item.link
  return link[SESSION] ~= 0 and not link[OPEN] and link[POINTS][1] <= at and item.t == link[POINTS][#link[POINTS] - 1]
end

local function hand_over(items)
  for i, a in ipairs(items) do
    if a.device and (a.reach > a.plain or a.last > a.t) then
      for j = i + 1, #items do
        local b = items[j]
        if b.device == a.device and b.t > a.t and (b.link == a.link or not is_farewell(b, a.t)) then
          a.reach = max(a.plain, min(a.reach, b.t))
          a.last = max(a.t, min(a.last, b.t))
          break
        end
      end
    end
  end
end

-- The order of links is that in which they were heard, so nothing may depend on it, at equal times either.
local function is_before(a, b)
  if a.t ~= b.t then return a.t < b.t end
  if a.last ~= b.last then return a.last < b.last end
  if a.held ~= b.held then return a.held == true end
  if a.reach ~= b.reach then return a.reach < b.reach end
  return a.why < b.why
end

local function evidence_of(r, clock, rules)
  local items = {}
  for _, v in ipairs(visits_of(r)) do
    if v[BASE_FROM] > 0 then
      local reach, lost = seen_through(blinds_of(clock, 0), v[BASE_TO], v[BASE_TO] + rules[IDLE], rules[IDLE], rules[MAX_BLIND], clock.now)
      local plain, why = v[BASE_TO] + rules[IDLE], 'idle'
      -- Whose it was is forgotten; devices that are still here have later evidence of their own.
      local away = #r[AWAY] > 0 and away_after(r, nil, v[BASE_TO])
      if away and away <= reach then reach, plain, why = away - 1, min(plain, away - 1), 'transfer' end
      if v[HELD_UNTIL] > reach then reach = v[HELD_UNTIL] end
      if v[HELD_UNTIL] < 0 then lost = true end
      items[#items + 1] = { t = v[BASE_FROM], from = v[SINCE] < v[BASE_FROM] and v[SINCE] or nil, last = v[BASE_TO], reach = reach, plain = plain,
        bridge = 0, literal = plain, why = lost and 'sourceLost' or why, held = true }
    end
  end
  for _, link in ipairs(r[LINKS]) do link_items(r, clock, rules, link, items) end
  table.sort(items, is_before)
  hand_over(items)
  return items
end

local function is_told(r, at)
  for _, v in ipairs(visits_of(r)) do
    if v[SINCE] <= at and at <= v[LAST] then return true end
  end
  return false
end

-- Whether somebody stayed for the settle time without a pause longer than that; an association has no pauses. That one which
-- nobody has ended goes on is for a timer to say: the Stop of a walk-by may be right behind its delayed Start.
local function settle(r, c, item, rules, now, timed)
  local span_end = item.last
  local goes_on = item.link and item.link[OPEN]
  if item.link then
    span_end = max(span_end, item.link[REPORT_AT])
    if goes_on then
      if timed or is_told(r, item.t) then span_end = max(span_end, min(now, item.reach)) else c.look = true end
    end
  end
  if not c.chain or item.t > c.chain_reach then c.chain, c.chain_reach, c.chain_end = item.t, 0, 0 end
  -- A session that began earlier shows that somebody was there before its first report.
  c.chain = min(c.chain, item.from or item.t)
  c.chain_end = max(c.chain_end, span_end)
  c.chain_reach = max(c.chain_reach, item.t + rules[SETTLE], span_end)
  if item.held or c.chain_end - c.chain >= rules[SETTLE] then
    c.settled = true
    if c.chain > c.since then c.since = c.chain end
  elseif goes_on and c.chain + rules[SETTLE] <= item.reach then
    c.settles_at = c.chain + rules[SETTLE]
  end
end

-- Two visits that are known, and nothing that was seen between them, stay two, even where one begins when the other ends: no
-- session of the earlier one reaches into the later.
local function stays_apart(c, items, i)
  local item = items[i]
  if not (item.held and c.held_to >= c.last and item.t >= c.last and item.t > c.bridged) then return false end
  for j = i + 1, #items do
    if items[j].t > c.reach then return true end
    if not items[j].held then return false end
  end
  return true
end

-- The evidence in pieces that belong together, oldest first; those that are settled are visits. `due` is what `reach` is once
-- their NAS has been heard again.
local function components(r, clock, rules, timed)
  local list, c = {}, nil
  local items = evidence_of(r, clock, rules)
  for i, item in ipairs(items) do
    local apart = c and item.t <= c.reach and stays_apart(c, items, i)
    if apart then c.reach, c.due = item.t - 1, min(c.due, item.t - 1) end
    if not c or item.t > c.reach then
      c = { since = item.t, first = item.t, last = item.last, reach = 0, due = 0, bridged = 0, held_to = 0, literal = item.t, why = 'idle', begun = {} }
      list[#list + 1] = c
    end
    if item.t > c.literal then c.hold, c.bridge = c.last, item.t end
    if item.literal > c.literal then c.literal = item.literal end
    if item.last > c.last then c.last = item.last end
    if item.held then c.held_to = max(c.held_to, item.last) end
    c.bridged = max(c.bridged, item.bridge)
    if item.reach > c.reach then c.reach, c.why = item.reach, item.why end
    if item.bridge > c.reach then c.reach, c.why = item.bridge, 'idle' end
    c.due = max(c.due, min(item.due or item.reach, item.reach), item.bridge)
    if item.from then c.begun[#c.begun + 1] = item end
    if not c.settled then settle(r, c, item, rules, clock.now, timed) end
  end
  -- A session that was never seen to begin dates the arrival back, but not into the visit before.
  local before = r[HORIZON]
  for _, v in ipairs(list) do
    if v.settled then
      local since = v.since
      for _, item in ipairs(v.begun) do
        if item.t >= since then v.since = min(v.since, max(item.from, before)) end
      end
      before = v.last
    end
  end
  return list
end

-- What the ledger was told before is compared with what the evidence says now, and the difference is appended to the stream.
local TELL_EVERY = 300000

local function devices_of(r, v)
  local seen, devices = {}, {}
  for _, link in ipairs(r[LINKS]) do
    local points = link[POINTS]
    local newest = points[#points - 1]
    if newest and newest >= v[SINCE] and points[1] <= v[LAST] and not seen[link[DEVICE]] then
      seen[link[DEVICE]] = true
      devices[#devices + 1] = link[DEVICE]
    end
  end
  return table.concat(devices, ',')
end

-- What was observed, in runs of one kind, as JSON: {device, kind, first, last, count, ...} for each link.
local function runs_of(r, clock)
  local all = {}
  for n, link in ipairs(r[LINKS]) do
    local told = { link[DEVICE] }
    for k, value in ipairs(all_runs(link)) do told[k + 1] = (k % 4 == 2 or k % 4 == 3) and to_wall(clock, value) or value end
    all[n] = told
  end
  return #all > 0 and cjson.encode(all) or '[]'
end

local function emit(member, r, clock, v, state, into)
  v[REVISION] = v[REVISION] + 1
  v[TOLD] = v[LAST]
  local bar = string.find(member, '|', 1, true)
  -- After a step back of the clock, times of day from before it may lie behind those from after it.
  local since, last, now = to_wall(clock, v[SINCE]), to_wall(clock, v[LAST]), to_wall(clock, clock.now)
  last = max(since, last)
  append_entry('type', 'visit', 'visit', v[ID], 'revision', v[REVISION], 'state', state,
    'space', string.sub(member, 1, bar - 1), 'customer', string.sub(member, bar + 1),
    'arrivedAt', since, 'lastActivityAt', last, 'detectedAt', max(last, now), 'reason', state == 'closed' and v[REASON] or '', 'into', into or '',
    'devices', devices_of(r, v), 'runs', (v[REVISION] > 1 or state ~= 'open') and runs_of(r, clock) or '[]')
end

-- Which of the visits that were told before each piece of evidence goes on with: the oldest of those that it shares most of
-- their time with. Visits that turn out to be one become that one; a visit that nothing speaks for any more is void.
local function assign(told, pieces, near)
  local void, homeless = {}, {}
  for _, v in ipairs(told) do
    local home, most
    for _, c in ipairs(pieces) do
      local shared = c.settled and min(v[LAST], c.last) - max(v[SINCE], c.since) or -1
      if shared >= 0 and (not most or shared > most) then home, most = c, shared end
    end
    if home and v[IS_OPEN] then home.was_open = true end
    if not home then
      homeless[#homeless + 1] = v
    elseif not home.visit then
      home.visit = v
    else
      local kept = home.visit
      if v[BASE_FROM] > 0 then hold(kept, v[BASE_FROM], v[BASE_TO], v[HELD_UNTIL]) end
      void[#void + 1] = { v, kept[ID] }
    end
  end
  -- One whose evidence has moved is the nearest that nobody else is.
  for _, v in ipairs(homeless) do
    local home, least
    for _, c in ipairs(pieces) do
      local apart = max(v[SINCE] - c.last, c.since - v[LAST])
      if c.settled and not c.visit and apart <= near and (not least or apart < least) then home, least = c, apart end
    end
    if home then home.visit, home.was_open = v, v[IS_OPEN] else void[#void + 1] = { v, '' } end
  end
  return void
end

-- Brings what was told in line with the evidence. `stem` makes new visits' ids unique. Returns when to look again, and by
-- how much a departure came too late.
local function reconcile(member, r, clock, rules, stem, timed)
  local now = clock.now
  local pieces = components(r, clock, rules, timed)
  local void = assign(visits_of(r), pieces, max(rules[IDLE], rules[REJOIN]))
  local visits, past, opened = {}, {}, nil
  local lag = 0
  local look_at = HUGE
  for _, entry in ipairs(void) do emit(member, r, clock, entry[1], 'void', entry[2]) end
  for n, c in ipairs(pieces) do
    if c.settled then
      local v = c.visit
      local fresh = not v
      -- Only a timer ends a visit: while reports come in, the next one may belong to it. And no timer opens one again.
      local open = c.reach >= now and (fresh or c.was_open or not timed) or not timed and n == #pieces and (fresh or v[IS_OPEN])
      if fresh then v = { stem .. n, c.since, c.last, open, 0, 0, 0, '', 0, 0 } end
      local differs = fresh or v[SINCE] ~= c.since or v[IS_OPEN] ~= open or (not open and v[LAST] ~= c.last)
      if not open and not fresh and v[IS_OPEN] then lag = max(lag, now - c.reach) end
      if open then v[REASON] = '' elseif v[IS_OPEN] or v[REASON] == '' then v[REASON] = c.why end
      v[SINCE], v[LAST], v[IS_OPEN] = c.since, c.last, open
      -- What was held together by a gap in what we saw, or by a NAS that reports rarely, stays together.
      if c.hold then hold(v, c.first, c.hold, c.bridge) end
      visits[#visits + 1] = v
      if open then
        -- Now and then the ledger learns of the latest activity, in case Redis is lost; also when that was earlier than was told.
        if differs or (timed and math.abs(v[LAST] - v[TOLD]) >= TELL_EVERY) then opened = v end
        look_at = min(look_at, c.reach + 1, now + 2 * TELL_EVERY)
        -- A NAS that is yet to be heard may be heard at any moment.
        if c.due < c.reach then look_at = min(look_at, max(c.due + 1, now + max(1000, min(30000, math.floor((now - c.due) / 2))))) end
      elseif fresh then
        past[#past + 1] = v
      elseif differs then
        emit(member, r, clock, v, 'closed')
      end
    elseif c.settles_at then
      look_at = min(look_at, max(c.settles_at, now))
    end
    if c.look and c.reach < now then look_at = now end
  end
  r[VISITS] = visits
  -- First what becomes of visits that are known: what is new may take the place of a part of one.
  if opened and opened[REVISION] > 0 then
    emit(member, r, clock, opened, 'open')
    opened = nil
  end
  for _, v in ipairs(past) do emit(member, r, clock, v, 'closed') end
  if opened then emit(member, r, clock, opened, 'open') end
  -- While something is blind, its end is looked for now and then; nothing is decided before it.
  local newest = pieces[#pieces]
  if newest and newest.reach >= HUGE then look_at = min(look_at, now + max(1000, min(30000, math.floor(rules[IDLE] / 4)))) end
  return look_at < HUGE and look_at or nil, lag
end

-- What a session has shown after its device had left it must be gone before it is forgotten that the device left.
local function forget_farewells(r, clock, link, late)
  local points, kept = link[POINTS], {}
  local over = over_from(r, link, began_at(link))
  local is_settled = points[1] <= r[HORIZON]
  for i = 1, #points, 2 do
    if i > 1 and (link[SESSION] == 0 or restarted_between(nas_of(clock, link[NAS]), link, points[i - 2], points[i])) then over = over_from(r, link, points[i]) end
    if points[i] < over or not (is_settled or over < clock.now - late) then kept[#kept + 1], kept[#kept + 2] = points[i], points[i + 1] end
  end
  link[POINTS] = kept
end

-- Forgets what is too old to be corrected, and settles it.
local MOST_VISITS = 32
local function prune(r, clock, late)
  local now, visits = clock.now, visits_of(r)
  while visits[1] and not visits[1][IS_OPEN] and (visits[1][LAST] < now - late or #visits > MOST_VISITS) do
    r[HORIZON] = max(r[HORIZON], visits[1][LAST])
    table.remove(visits, 1)
  end
  for i = #r[LINKS], 1, -1 do
    local link = r[LINKS][i]
    if #r[AWAY] > 0 and link[POINTS][1] then forget_farewells(r, clock, link, late) end
    local points = link[POINTS]
    while #points > 2 and points[1] <= r[HORIZON] do
      table.remove(points, 1)
      table.remove(points, 1)
      link[FROM] = 0
    end
    if link[REPORT_AT] < now - late then
      fold(r, link)
      table.remove(r[LINKS], i)
    end
  end
  for i = #r[BEHIND] - 2, 1, -3 do
    if r[BEHIND][i + 2] < now - late then
      for _ = 1, 3 do table.remove(r[BEHIND], i) end
    end
  end
  for i = #r[AWAY] - 1, 1, -2 do
    if r[AWAY][i + 1] < now - late then
      table.remove(r[AWAY], i + 1)
      table.remove(r[AWAY], i)
    end
  end
end

-- When a record of which nothing is due can be forgotten.
local function forget_at(r, late)
  local last = r[HORIZON]
  for _, v in ipairs(visits_of(r)) do last = max(last, v[LAST]) end
  for _, link in ipairs(r[LINKS]) do last = max(last, link[REPORT_AT]) end
  return last + late
end

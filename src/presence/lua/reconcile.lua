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
    for k, value in ipairs(link[RUNS]) do told[k + 1] = (k % 4 == 2 or k % 4 == 3) and to_wall(clock, value) or value end
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
  last = math.max(since, last)
  append_entry('type', 'visit', 'visit', v[ID], 'revision', v[REVISION], 'state', state,
    'space', string.sub(member, 1, bar - 1), 'customer', string.sub(member, bar + 1),
    'arrivedAt', since, 'lastActivityAt', last, 'detectedAt', math.max(last, now), 'reason', state == 'closed' and v[REASON] or '', 'into', into or '',
    'devices', devices_of(r, v), 'runs', (v[REVISION] > 1 or state ~= 'open') and runs_of(r, clock) or '[]')
end

-- Which of the visits that were told before each piece of evidence goes on with: the oldest of those that it shares most of
-- their time with. Visits that turn out to be one become that one; a visit that nothing speaks for any more is void.
local function assign(told, pieces, near)
  local void, homeless = {}, {}
  for _, v in ipairs(told) do
    local home, most
    for _, c in ipairs(pieces) do
      local shared = c.settled and math.min(v[LAST], c.last) - math.max(v[SINCE], c.since) or -1
      if shared >= 0 and (not most or shared > most) then home, most = c, shared end
    end
    if not home then
      homeless[#homeless + 1] = v
    elseif not home.visit then
      home.visit = v
    else
      local kept = home.visit
      if v[BASE_FROM] > 0 then hold(kept, v[BASE_FROM], v[BASE_TO]) end
      void[#void + 1] = { v, kept[ID] }
    end
  end
  -- One whose evidence has moved is the nearest that nobody else is.
  for _, v in ipairs(homeless) do
    local home, least
    for _, c in ipairs(pieces) do
      local apart = math.max(v[SINCE] - c.last, c.since - v[LAST])
      if c.settled and not c.visit and apart <= near and (not least or apart < least) then home, least = c, apart end
    end
    if home then home.visit = v else void[#void + 1] = { v, '' } end
  end
  return void
end

-- Brings what was told in line with the evidence. `stem` makes new visits' ids unique. Returns when to look again, and by
-- how much a departure came too late.
local function reconcile(member, r, clock, rules, stem, timed)
  local now = clock.now
  local pieces = components(r, clock, rules, timed)
  local void = assign(r[VISITS], pieces, math.max(rules[IDLE], rules[REJOIN]))
  local visits, opened = {}, nil
  local lag = 0
  local look_at = HUGE
  local soon = now + math.max(1000, math.min(30000, math.floor(rules[IDLE] / 4)))
  for _, entry in ipairs(void) do emit(member, r, clock, entry[1], 'void', entry[2]) end
  for n, c in ipairs(pieces) do
    if c.settled then
      local v = c.visit
      local fresh = not v
      -- Only a timer ends a visit: while reports come in, the next one may belong to it.
      local open = c.reach >= now or (not timed and n == #pieces and (fresh or v[IS_OPEN]))
      if fresh then v = { stem .. n, c.since, c.last, open, 0, 0, 0, '', 0, 0 } end
      local differs = fresh or v[SINCE] ~= c.since or v[IS_OPEN] ~= open or (not open and v[LAST] ~= c.last)
      if not open and v[IS_OPEN] then
        if not fresh then lag = math.max(lag, now - c.reach) end
      end
      if open then v[REASON] = '' elseif v[IS_OPEN] or v[REASON] == '' then v[REASON] = c.why end
      v[SINCE], v[LAST], v[IS_OPEN] = c.since, c.last, open
      -- What was held together by a gap in what we saw, or by a NAS that reports rarely, stays together.
      if c.hold then hold(v, c.since, c.hold) end
      visits[#visits + 1] = v
      if open then
        -- Now and then the ledger learns of the latest activity, in case Redis is lost.
        if differs or (timed and v[LAST] - v[TOLD] >= TELL_EVERY) then opened = v end
        -- A NAS that is yet to be heard may be heard at any moment.
        local due = c.due < c.reach and math.max(c.due, soon) or c.reach
        look_at = math.min(look_at, due + 1, now + 2 * TELL_EVERY)
      elseif differs then
        emit(member, r, clock, v, 'closed')
      end
    elseif c.settles_at then
      look_at = math.min(look_at, math.max(c.settles_at, now))
    end
    if c.look and c.reach < now then look_at = now end
  end
  r[VISITS] = visits
  if opened then emit(member, r, clock, opened, 'open') end
  -- While something is blind, its end is looked for now and then; nothing is decided before it.
  local newest = pieces[#pieces]
  if newest and newest.reach >= HUGE then look_at = math.min(look_at, soon) end
  return look_at < HUGE and look_at or nil, lag
end

-- A laptop that stayed in the house over night, with no other device beside it since the evening, was left there. What it did
-- since the last other device was active speaks for nobody, until that customer is back.
local NIGHT_ENDS, EVENING = 4 * 3600000, 5 * 3600000
local function last_night(now, rules)
  local day = 86400000
  return math.floor((now + rules[OFFSET] - NIGHT_ENDS) / day) * day + NIGHT_ENDS - rules[OFFSET]
end

local function note_left_behind(r, now, rules)
  local open = open_visit(r)
  local night = last_night(now, rules)
  if not open or open[SINCE] > night - EVENING then return false end
  local with, laptops = 0, {}
  for _, link in ipairs(r[LINKS]) do
    local newest = link[POINTS][#link[POINTS] - 1] or 0
    if link[LAPTOP] then
      if newest > night - EVENING then laptops[link[DEVICE]] = true end
    else
      with = math.max(with, newest)
    end
  end
  if with > night - EVENING or not next(laptops) then return false end
  -- With no other device at all, the evening is all that can be said.
  local from = with > 0 and with or night - EVENING
  for device in pairs(laptops) do
    if not is_behind(r, device, now) then
      for _, value in ipairs({ device, from, HUGE }) do r[BEHIND][#r[BEHIND] + 1] = value end
    end
  end
  return true
end

-- Whoever is seen with another device, or joins with the laptop after hours without it, is back.
local BACK_AFTER = 4 * 3600000
local function note_back(r, link, begins, at)
  local heard = 0
  if link[LAPTOP] then
    for _, l in ipairs(r[LINKS]) do
      if l[DEVICE] == link[DEVICE] and l ~= link then heard = math.max(heard, l[REPORT_AT]) end
    end
    if not begins or at - heard < BACK_AFTER then return end
  end
  for i = 1, #r[BEHIND], 3 do
    local theirs = not link[LAPTOP] or r[BEHIND][i] == link[DEVICE]
    if theirs and r[BEHIND][i + 2] == HUGE and at > r[BEHIND][i + 1] then r[BEHIND][i + 2] = at - 1 end
  end
end

-- Forgets what is too old to be corrected, and settles it.
local MOST_VISITS = 32
local function prune(r, now, late)
  local visits = r[VISITS]
  while visits[1] and not visits[1][IS_OPEN] and (visits[1][LAST] < now - late or #visits > MOST_VISITS) do
    r[HORIZON] = math.max(r[HORIZON], visits[1][LAST])
    table.remove(visits, 1)
  end
  for i = #r[LINKS], 1, -1 do
    local link = r[LINKS][i]
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
  for _, v in ipairs(r[VISITS]) do last = math.max(last, v[LAST]) end
  for _, link in ipairs(r[LINKS]) do last = math.max(last, link[REPORT_AT]) end
  return last + late
end

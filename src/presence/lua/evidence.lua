-- What reports say of activity, kept so that their order does not matter: the points of a session are those reports, in
-- the order of their times, whose octets differ from the report before (RFC 2869, section 2.1: counters are cumulative).
-- An older report that comes later may show that the octets of a point were reached earlier; that moves the point.
local MAX_LINKS, MAX_POINTS, MAX_RUNS = 12, 32, 6
local INTERIM, ACTIVE, LEFT, STARTED = 0, 1, 2, 3
-- In place of octets: a report without counters; a Start, behind which the counters begin at 0.
local UNCOUNTED, AT_START = -1, -2
local REPEATED_WITHIN = 2000
-- Kinds of runs, as `why` shows them.
local RUN_START, RUN_PROGRESS, RUN_IDLE, RUN_STOP, RUN_LATE = 0, 1, 2, 3, 4

-- A station that was known by its identity alone, and has become a device since, goes on in its session under its new name.
local function find_link(r, device, session)
  local links, unnamed = r[LINKS], nil
  for i = 1, #links do
    local link = links[i]
    if link[SESSION] == session then
      if link[DEVICE] == device then return link end
      if session ~= 0 and string.sub(link[DEVICE], 1, 4) == 'sta_' then unnamed = link end
    end
  end
  if unnamed and string.sub(device, 1, 4) == 'dev_' then
    for i = 1, #r[AWAY], 2 do
      if r[AWAY][i] == unnamed[DEVICE] then r[AWAY][i] = device end
    end
    unnamed[DEVICE] = device
    return unnamed
  end
end

-- The part of a visit that a forgotten link has shown stays with the visit.
local function fold(r, link)
  local points = link[POINTS]
  for i = 1, #points, 2 do
    local t = points[i]
    for _, v in ipairs(t > r[HORIZON] and visits_of(r) or NONE) do
      if v[SINCE] <= t and t <= v[LAST] then
        hold(v, t, t)
        -- One may begin when the one before it ends.
        break
      end
    end
  end
end

-- Where the last of what is held turns out to have been earlier, it is held as of then.
local function move_held(r, before, at)
  for _, v in ipairs(visits_of(r)) do
    if v[BASE_TO] == before then v[BASE_FROM], v[BASE_TO] = min(v[BASE_FROM], at), at end
  end
end

-- Closed sessions are forgotten first, the oldest before the others.
local function add_link(r, link)
  local links = r[LINKS]
  if #links >= MAX_LINKS then
    local victim, least = 1, math.huge
    for i, l in ipairs(links) do
      local worth = l[REPORT_AT] + (l[OPEN] and 1e13 or 0)
      if worth < least then victim, least = i, worth end
    end
    fold(r, links[victim])
    table.remove(links, victim)
  end
  links[#links + 1] = link
  return link
end

-- All runs of a link, flat, oldest first.
local function all_runs(link)
  local runs = link[OLDER_RUNS] == '' and {} or cmsgpack.unpack(link[OLDER_RUNS])
  local n = #runs
  if link[RUN_COUNT] > 0 then runs[n + 1], runs[n + 2], runs[n + 3], runs[n + 4] = link[RUN_KIND], link[RUN_FIRST], link[RUN_LAST], link[RUN_COUNT] end
  return runs
end

local function note_run(link, kind, at)
  if link[RUN_KIND] == kind and link[RUN_COUNT] > 0 then
    if at < link[RUN_FIRST] then link[RUN_FIRST] = at end
    if at > link[RUN_LAST] then link[RUN_LAST] = at end
    link[RUN_COUNT] = link[RUN_COUNT] + 1
    return
  end
  if link[RUN_COUNT] > 0 then
    local older = all_runs(link)
    while #older >= MAX_RUNS * 4 do
      for _ = 1, 4 do table.remove(older, 1) end
    end
    link[OLDER_RUNS] = cmsgpack.pack(older)
  end
  link[RUN_KIND], link[RUN_FIRST], link[RUN_LAST], link[RUN_COUNT] = kind, at, at, 1
end

-- A point may go when those around it hold together without it, whatever comes later: the point before it can still move
-- back, but not beyond the one before that. The latest three stay: it may turn out that the device had left for another space between them.
local LATEST = 7
local function thin(r, link, points, i, span, nas)
  if i < 5 or i > #points - LATEST or #r[AWAY] > 0 then return false end
  local before, after = points[i - 4], points[i + 2]
  if after - before > span then return false end
  -- A session id may be used again after a restart of the NAS, which does not hold together what it separates.
  if points[i + 1] == AT_START or points[i + 3] == AT_START or points[i + 1] > points[i + 3] or restarted_between(nas, link, before, after) then return false end
  table.remove(points, i)
  table.remove(points, i)
  return true
end

-- Puts a report among the points. Returns the time of the activity that it adds, if any, and whether it has moved an
-- older one, which may take a visit apart.
local function insert(r, link, kind, at, octets, span, nas)
  local points = link[POINTS]
  local moved = false
  if octets == AT_START then
    -- A repetition has its delay in whole seconds, so it tells of the same Start as of a moment later or earlier.
    for i = 1, #points, 2 do
      if points[i + 1] == AT_START and math.abs(points[i] - at) <= REPEATED_WITHIN then
        if points[i] <= at then return nil, false end
        table.remove(points, i)
        table.remove(points, i)
        moved = true
        break
      end
    end
  end
  local n = #points
  local i = n - 1
  while i > 0 and points[i] > at do i = i - 2 end
  local base = octets == AT_START and 0 or octets
  if i > 0 then
    local before = points[i + 1]
    local grown = octets < 0 or (before == AT_START and 0 or before) ~= octets
    if not grown then return nil, moved end
    if points[i] == at then
      -- Event-Timestamp counts seconds, so reports of one second are one point, with the most that it saw.
      if octets > before and before ~= UNCOUNTED then points[i + 1] = octets else return nil, moved end
      i = i - 2
    end
  end
  local at_index = i + 2
  local known = points[at_index] == at
  local successor = known and at_index + 2 or at_index
  if octets ~= UNCOUNTED and points[successor] and points[successor + 1] == base then
    move_held(r, table.remove(points, successor), at)
    table.remove(points, successor)
    moved = true
  end
  if known then return nil, moved end
  local gone = false
  if at_index > #points then
    points[at_index], points[at_index + 1] = at, octets
  else
    table.insert(points, at_index, octets)
    table.insert(points, at_index, at)
    -- Its neighbours first, from the right, so that the places of the others stay.
    thin(r, link, points, at_index + 4, span, nas)
    thin(r, link, points, at_index + 2, span, nas)
    gone = thin(r, link, points, at_index, span, nas)
    thin(r, link, points, at_index - 2, span, nas)
  end
  -- There is one more, so one is not among the latest any more.
  if #points - LATEST ~= at_index then thin(r, link, points, #points - LATEST, span, nas) end
  if #points > MAX_POINTS * 2 then
    fold(r, { [POINTS] = { points[1], points[2], points[3], points[4] } })
    table.remove(points, 1)
    table.remove(points, 1)
    link[FROM] = 0
  end
  -- One that went at once lies between two that hold together anyway.
  if gone then return nil, moved end
  return at, moved
end

-- Without a session, sightings tell of associations and of nothing that numbers them: the last word is that of the latest, and of
-- two at once, that the device left.
local function note_association(link, kind, at)
  if kind == ACTIVE or at < link[OUTLIVED] or (at == link[OUTLIVED] and kind ~= LEFT) then return end
  link[OPEN], link[OUTLIVED] = kind ~= LEFT, at
end

-- Takes one report of a link in. Returns as `insert` does, and whether it is the first one of its session now.
local function report(r, link, kind, at, from, octets, span, nas)
  local newest = at > link[REPORT_AT]
  -- Of reports of one second, the Stop is the last.
  if link[SESSION] == 0 then
    note_association(link, kind, at)
    link[REPORT_AT] = max(link[REPORT_AT], at)
  elseif newest or at == link[REPORT_AT] then
    if kind == LEFT then link[OPEN] = false
    elseif newest and kind ~= ACTIVE then link[OPEN] = true end
    if newest then link[REPORT_AT] = at end
  end
  local points, first = link[POINTS], link[POINTS][1]
  if link[SESSION] ~= 0 and first and from < at and from <= first + REPEATED_WITHIN and at > link[OUTLIVED] then link[OUTLIVED] = at end
  local added, moved
  if kind == LEFT and link[SESSION] == 0 or link[LAPTOP] and octets == UNCOUNTED and (kind == INTERIM or kind == LEFT) then
    -- That it left, or that a laptop is associated, is no activity.
    added, moved = nil, false
  else
    added, moved = insert(r, link, kind, at, kind == STARTED and AT_START or octets, span, nas)
  end
  -- A repeated report is no report of its own.
  if newest or added or moved then
    note_run(link, kind == LEFT and RUN_STOP or kind == STARTED and RUN_START or added and RUN_PROGRESS or RUN_IDLE, at)
  end
  local is_first = points[1] == at and first ~= at
  if link[SESSION] ~= 0 and is_first and first then
    -- That the session has lasted was proven of what had begun later than this report, which may be of another with its id.
    local began = link[FROM] > 0 and link[FROM] or first
    if began > at + REPEATED_WITHIN then link[OUTLIVED] = 0 end
  end
  return added, moved, is_first
end

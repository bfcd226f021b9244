-- Laptops that were left in the house over night: what they show counts for nobody.

-- Whether this was shown by a laptop that was left behind.
local function is_behind(r, device, at)
  for i = 1, #r[BEHIND], 3 do
    if r[BEHIND][i] == device and at > r[BEHIND][i + 1] and at <= r[BEHIND][i + 2] then return true end
  end
  return false
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
  if not open or open[SINCE] > night - EVENING then return end
  local with, laptops = 0, {}
  for _, link in ipairs(r[LINKS]) do
    local newest = link[POINTS][#link[POINTS] - 1] or 0
    if link[LAPTOP] then
      if newest > night - EVENING then laptops[link[DEVICE]] = true end
    else
      with = max(with, newest)
    end
  end
  if with > night - EVENING or not next(laptops) then return end
  -- With no other device at all, the evening is all that can be said.
  local from = with > 0 and with or night - EVENING
  for device in pairs(laptops) do
    if not is_behind(r, device, now) then
      for _, value in ipairs({ device, from, HUGE }) do table.insert(growing(r, BEHIND), value) end
    end
  end
end

-- Whoever is seen with another device, or joins with the laptop after hours without it, is back.
local BACK_AFTER = 4 * 3600000
local function note_back(r, link, begins, at)
  local heard = 0
  if link[LAPTOP] then
    for _, l in ipairs(r[LINKS]) do
      if l[DEVICE] == link[DEVICE] and l ~= link then heard = max(heard, l[REPORT_AT]) end
    end
    if not begins or at - heard < BACK_AFTER then return end
  end
  for i = 1, #r[BEHIND], 3 do
    local theirs = not link[LAPTOP] or r[BEHIND][i] == link[DEVICE]
    if theirs and r[BEHIND][i + 2] == HUGE and at > r[BEHIND][i + 1] then r[BEHIND][i + 2] = at - 1 end
  end
end

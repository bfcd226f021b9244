-- A NAS says that its sessions are over (RFC 2866, section 5.1): whoever is in its reach gets one idle window anew.
-- KEYS  1 presence (hash)  2 due (sorted set)  3 transitions (stream)  4 clock (hash)  5 nas (hash)
-- ARGV  1 epoch   2 number of the NAS   3 when, epoch milliseconds   4 details, as in beat.lua
-- Returns 'ok', or 'lost'.
local clock = open_clock(ARGV[1], true)
if not clock then return 'lost' end
local nas = load_nas(ARGV[2])
local at = min(tonumber(ARGV[3]) + clock.back, clock.now)
if at > nas[N_RESET] then
  nas[N_RESET] = at
  push_interval(nas[N_BLINDS], at, at)
end
if nas[N_HEARD] == 0 then nas[N_HEARD] = clock.now end
if nas[N_DETAILS] == '' then nas[N_DETAILS] = ARGV[4] end
redis.call('HSET', KEYS[5], string.format('%.0f', ARGV[2]), cmsgpack.pack(nas))
return 'ok'

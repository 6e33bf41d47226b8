-- Tells each limit as it is now; changes nothing.
-- KEYS  budget, then one per concurrency limit
-- ARGV  clock shift µs, fields to read (packed), limits (packed), as in acquire.lua
-- Answers {} where the budget is not seeded, else {gate closed for µs, then per metered limit: units there, µs to its
-- reset, share in force; then per concurrency limit: slots taken}, all as text: Redis would cut numbers to integers.

local now = clock(ARGV[1])
local state = redis.call('HMGET', KEYS[1], unpack(cmsgpack.unpack(ARGV[2])))
if not state[1] then return {} end

local told = {whole(math.max(0, tonumber(state[2] or 0) - now))}
local function tell(units, resets_in, share)
  told[#told + 1] = string.format('%.6f', units)
  told[#told + 1] = whole(resets_in)
  told[#told + 1] = string.format('%.17g', share)
end

local healthy = health(state[3], state[4], now)
for i, limit in ipairs(cmsgpack.unpack(ARGV[3])) do
  local share, at, used = tonumber(state[4 * i + 2] or 1), state[4 * i + 3], tonumber(state[4 * i + 4] or 0)
  if limit[1] == RATE then
    local pace = healthy * share
    local per_unit = limit[3] / pace
    local empty_at = math.max(tonumber(at or now), now - limit[5] / pace)
    tell((now - empty_at) / per_unit, math.max(0, empty_at + limit[4] * per_unit - now), pace)
  else
    local reset = tonumber(at or 0)
    if reset <= now and not is_rolling(limit[5], state[4 * i + 5]) then
      reset, used = next_reset(now, limit[4], limit[5]), 0
    end
    tell(math.floor(limit[3] * share) - used, math.max(0, reset - now), share)
  end
end
for i = 2, #KEYS do
  told[#told + 1] = whole(redis.call('ZCOUNT', KEYS[i], '(' .. whole(now), '+inf'))
end
return told

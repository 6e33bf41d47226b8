-- Charges (or credits) the difference between a call's true cost and what was taken for it; may cause debt.
-- KEYS  budget, then one per limit
-- ARGV  clock shift µs, extra units, then six per limit as in acquire.lua

local PER_LIMIT = 6
local now, extra = clock(ARGV[1]), tonumber(ARGV[2])
local fields = {'born', 'slow', 'slow_at'}
for p = 3, #ARGV, PER_LIMIT do fields[#fields + 1] = ARGV[p] end
local budget = redis.call('HMGET', KEYS[1], unpack(fields))
if not budget[1] then return 0 end
local healthy = health(budget[2], budget[3], now)

local function charge_rate(key, p, share)
  local empty_at = math.max(tonumber(redis.call('GET', key) or now), now - tonumber(ARGV[p + 4]) / share)
  redis.call('SET', key, whole(math.ceil(empty_at + extra * tonumber(ARGV[p + 2]) / share)), 'PX', KEEP)
end

local function charge_quota(key)
  local state = redis.call('HMGET', key, 'used', 'reset')
  if not state[1] or tonumber(state[2]) <= now then return end -- a new window starts with its first grant
  redis.call('HSET', key, 'used', whole(math.max(0, math.ceil(tonumber(state[1]) + extra))))
end

for i = 2, #KEYS do
  local p = 3 + (i - 2) * PER_LIMIT
  if ARGV[p + 1] == 'rate' then
    charge_rate(KEYS[i], p, healthy * tonumber(budget[i + 2] or 1))
  else
    charge_quota(KEYS[i])
  end
end
return 1

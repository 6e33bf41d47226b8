-- Charges (or credits) the difference between a call's true cost and what was taken for it; may cause debt.
-- KEYS  budget
-- ARGV  clock shift µs, extra units, fields to read (packed), limits (packed), as in acquire.lua

local now, extra = clock(ARGV[1]), tonumber(ARGV[2])
local state = redis.call('HMGET', KEYS[1], unpack(cmsgpack.unpack(ARGV[3])))
if not state[1] then return 0 end
local healthy = health(state[3], state[4], now)

for i, limit in ipairs(cmsgpack.unpack(ARGV[4])) do
  local share, at, used = state[4 * i + 2] or 1, tonumber(state[4 * i + 3] or now), state[4 * i + 4]
  if limit[1] == RATE then
    local pace = healthy * share
    local empty_at = math.max(at, now - limit[5] / pace)
    redis.call('HSET', KEYS[1], 'at:' .. limit[2], whole(math.ceil(empty_at + extra * limit[3] / pace)))
  elseif used and at > now then -- else: a new window starts with its first grant
    redis.call('HSET', KEYS[1], 'used:' .. limit[2], whole(math.max(0, math.ceil(used + extra))))
  end
end
return 1

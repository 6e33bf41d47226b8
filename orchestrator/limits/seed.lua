-- Writes the whole state of a budget, once: empty buckets, quotas and gate as SQL knows them, slots that may be in use.
-- Of a budget that is known only those quotas are written whose rolling window must be counted anew.
-- KEYS  budget, then one per concurrency limit
-- ARGV  clock shift µs, gate for µs, slots taken, their time to live µs, limits (packed):
--         {RATE, limit} · {QUOTA, limit, used, window µs, µs of the next midnight or 0}

local now = clock(ARGV[1])
local is_new = redis.call('HSETNX', KEYS[1], 'born', whole(now)) == 1
if is_new and tonumber(ARGV[2]) > 0 then redis.call('HSET', KEYS[1], 'gate', whole(now + ARGV[2])) end

local function is_due(limit)
  local state = redis.call('HMGET', KEYS[1], 'at:' .. limit[2], 'told:' .. limit[2])
  return not state[1] or (tonumber(state[1]) <= now and is_rolling(limit[5], state[2]))
end

for _, limit in ipairs(cmsgpack.unpack(ARGV[5])) do
  if is_new or (limit[1] == QUOTA and is_due(limit)) then
    local at = now
    if limit[1] == QUOTA then
      at = next_reset(now, limit[4], limit[5])
      redis.call('HSET', KEYS[1], 'used:' .. limit[2], whole(limit[3]))
    end
    redis.call('HSET', KEYS[1], 'at:' .. limit[2], whole(at))
  end
end
if not is_new then return 0 end

for i = 2, #KEYS do
  for n = 1, tonumber(ARGV[3]) do redis.call('ZADD', KEYS[i], whole(now + ARGV[4]), 'seed:' .. n) end
end
return 1

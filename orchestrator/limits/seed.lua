-- Writes the whole state of a budget, once: empty buckets, quotas and gate as SQL knows them, slots that may be in use.
-- KEYS  budget, then one per concurrency limit
-- ARGV  clock shift µs, gate for µs, slots taken, their time to live µs, limits (packed):
--         {RATE, limit} · {QUOTA, limit, used, window µs, µs of the next midnight or 0}

local now = clock(ARGV[1])
if redis.call('HSETNX', KEYS[1], 'born', whole(now)) == 0 then return 0 end
if tonumber(ARGV[2]) > 0 then redis.call('HSET', KEYS[1], 'gate', whole(now + ARGV[2])) end

for _, limit in ipairs(cmsgpack.unpack(ARGV[5])) do
  local at = now
  if limit[1] == QUOTA then
    at = next_reset(now, limit[4], limit[5])
    redis.call('HSET', KEYS[1], 'used:' .. limit[2], whole(limit[3]))
  end
  redis.call('HSET', KEYS[1], 'at:' .. limit[2], whole(at))
end

for i = 2, #KEYS do
  for n = 1, tonumber(ARGV[3]) do redis.call('ZADD', KEYS[i], whole(now + ARGV[4]), 'seed:' .. n) end
end
return 1

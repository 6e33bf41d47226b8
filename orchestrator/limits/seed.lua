-- Writes the whole state of a budget, once: empty buckets, quotas and gate as SQL knows them, slots that may be in use.
-- KEYS  budget, then one per limit
-- ARGV  clock shift µs, gate for µs, then four per limit:
--         'rate', 0, 0, 0 · 'quota', used, window µs, µs of the next reset · 'slots', taken, time to live µs, 0

local now = clock(ARGV[1])
if redis.call('HSETNX', KEYS[1], 'born', whole(now)) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'gate', whole(now + tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[1], KEEP)

local function quota(key, p)
  local reset = tonumber(ARGV[p + 3])
  reset = reset > 0 and after(now, reset) or now + tonumber(ARGV[p + 2])
  redis.call('HSET', key, 'used', ARGV[p + 1], 'reset', whole(reset))
  redis.call('PEXPIRE', key, whole((reset - now) / 1000 + KEEP))
end

local function slots(key, p)
  for n = 1, tonumber(ARGV[p + 1]) do
    redis.call('ZADD', key, whole(now + tonumber(ARGV[p + 2])), 'seed:' .. n)
  end
  redis.call('PEXPIRE', key, KEEP)
end

for i = 2, #KEYS do
  local p = 3 + (i - 2) * 4
  redis.call('DEL', KEYS[i])
  if ARGV[p] == 'rate' then
    redis.call('SET', KEYS[i], whole(now), 'PX', KEEP)
  elseif ARGV[p] == 'quota' then
    quota(KEYS[i], p)
  else
    slots(KEYS[i], p)
  end
end
return 1

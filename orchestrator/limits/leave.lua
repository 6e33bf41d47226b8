-- Gives a slot back in every concurrency limit.
-- KEYS  one per limit
-- ARGV  slot id

for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end
return 1

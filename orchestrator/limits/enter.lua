-- Takes one slot of every concurrency limit, or none; a refusal writes nothing.
-- KEYS  budget, then one per limit
-- ARGV  clock shift µs, slot id, time to live µs, then per limit its amount
-- Answers {1} or {0, wait µs, index of the limit; 0: the gate} or {2}: not seeded.

local now = clock(ARGV[1])
local budget = redis.call('HMGET', KEYS[1], 'born', 'gate')
if not budget[1] then return {2} end
local gate = tonumber(budget[2] or 0)
if gate > now then return {0, gate - now, 0} end

local alive = '(' .. whole(now)
for i = 2, #KEYS do
  local own = tonumber(redis.call('ZSCORE', KEYS[i], ARGV[2]) or 0)
  local taken = redis.call('ZCOUNT', KEYS[i], alive, '+inf')
  if own <= now and taken >= tonumber(ARGV[i + 2]) then
    local first = redis.call('ZRANGEBYSCORE', KEYS[i], alive, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    return {0, math.max(LEAST_WAIT, (first[2] or now) - now), i - 1}
  end
end

for i = 2, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', whole(now))
  redis.call('ZADD', KEYS[i], whole(now + ARGV[3]), ARGV[2])
end
return {1}

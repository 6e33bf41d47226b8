-- Takes between `least` and `want` units of every limit, or nothing; a refusal writes nothing.
-- KEYS  budget, grant, then one per limit
-- ARGV  clock shift µs, want, least, use by µs, grant's life ms, then six per limit:
--         rate:  share field, 'rate',  µs per unit, burst, µs of room in a full bucket, units worth a wake-up
--         quota: share field, 'quota', amount, window µs, µs of the next reset (0: a window after first use), name
-- Answers {1, units, use by µs} or {0, wait µs, index of the limit; 0: the gate} or {2}: not seeded.

local PER_LIMIT = 6
local now = clock(ARGV[1])
local want, least = tonumber(ARGV[2]), tonumber(ARGV[3])

local function rate(key, p, share)
  local per_unit, burst = tonumber(ARGV[p + 2]) / share, tonumber(ARGV[p + 3])
  local room = tonumber(ARGV[p + 4]) / share
  local raw = redis.call('GET', key)
  if not raw then
    raw = whole(now)
    redis.call('SET', key, raw, 'PX', KEEP) -- else an absent bucket stays empty for ever
  end
  local empty_at = math.max(tonumber(raw), now - room)
  local there = math.min(burst, math.floor((now - empty_at + 1) / per_unit))
  if least > burst and there >= burst then there = least end
  local worth = math.min(math.max(least, math.min(want, tonumber(ARGV[p + 5]))), burst)
  return there, empty_at + worth * per_unit - now, per_unit, empty_at
end

local function quota(key, p, share)
  local state = redis.call('HMGET', key, 'used', 'reset')
  local used, reset = tonumber(state[1] or 0), tonumber(state[2] or 0)
  if reset <= now then
    used, reset = 0, tonumber(ARGV[p + 4])
    reset = reset > 0 and after(now, reset) or now + tonumber(ARGV[p + 3])
  end
  return math.floor(tonumber(ARGV[p + 2]) * share) - used, reset - now, reset, used
end

local fields = {'born', 'gate', 'slow', 'slow_at'}
for p = 6, #ARGV, PER_LIMIT do fields[#fields + 1] = ARGV[p] end
local budget = redis.call('HMGET', KEYS[1], unpack(fields))
if not budget[1] then return {2} end

local known = redis.call('GET', KEYS[2])
if known then
  local units, use_by = string.match(known, '^(%d+) (%d+)')
  return {1, tonumber(units), math.max(0, tonumber(use_by) - now)}
end

local gate = tonumber(budget[2] or 0)
if gate > now then return {0, gate - now, 0} end

local units, use_by = want, math.min(now + tonumber(ARGV[4]), now - now % DAY + DAY)
local wait, blocking = 0, 0
local healthy = health(budget[3], budget[4], now)
local plan = {}
for i = 3, #KEYS do
  local p = 6 + (i - 3) * PER_LIMIT
  local share = tonumber(budget[i + 2] or 1)
  local there, pause, a, b
  if ARGV[p + 1] == 'rate' then
    there, pause, a, b = rate(KEYS[i], p, share * healthy)
  else
    there, pause, a, b = quota(KEYS[i], p, share)
    use_by = math.min(use_by, a)
  end
  plan[i] = {a, b}
  units = math.min(units, there)
  if there < least and pause >= wait then wait, blocking = pause, i - 2 end
end
if blocking > 0 then return {0, math.max(LEAST_WAIT, math.ceil(wait)), blocking} end

local record = {whole(units), whole(use_by)}
for i = 3, #KEYS do
  local p = 6 + (i - 3) * PER_LIMIT
  local a, b = plan[i][1], plan[i][2]
  if ARGV[p + 1] == 'rate' then
    redis.call('SET', KEYS[i], whole(math.ceil(b + units * a)), 'PX', KEEP)
  else
    redis.call('HSET', KEYS[i], 'used', whole(b + units), 'reset', whole(a))
    redis.call('PEXPIRE', KEYS[i], whole((a - now) / 1000 + KEEP))
  end
  record[#record + 1] = ARGV[p] .. '=' .. string.format('%.3f', a)
end
redis.call('SET', KEYS[2], table.concat(record, ' '), 'PX', ARGV[5])
redis.call('PEXPIRE', KEYS[1], KEEP)
return {1, units, math.max(0, use_by - now)}

-- Takes between `least` and `want` units of every limit, or nothing; a refusal writes nothing.
-- KEYS  budget, grant
-- ARGV  clock shift µs, want, least, use by µs, grant's life ms, fields to read (packed), limits (packed):
--         {RATE, limit, µs per unit, burst, µs of room in a full bucket, units worth a wake-up}
--         {QUOTA, limit, amount, window µs, µs of the next midnight or 0}
-- Answers {1, units, use by µs} or {0, wait µs, index of the limit; 0: the gate} or {2}: not seeded, or a rolling
-- quota must be counted anew.

local now = clock(ARGV[1])
local state = redis.call('HMGET', KEYS[1], unpack(cmsgpack.unpack(ARGV[6])))
if not state[1] then return {2} end

local known = redis.call('GET', KEYS[2])
if known then
  local units, use_by = string.match(known, '^(%d+) (%d+)')
  return {1, tonumber(units), math.max(0, use_by - now)}
end

local gate = tonumber(state[2] or 0)
if gate > now then return {0, gate - now, 0} end

local want, least = tonumber(ARGV[2]), tonumber(ARGV[3])
local limits = cmsgpack.unpack(ARGV[7])
local fresh = {} -- absent buckets: written even by a refusal, else they stay empty for ever

local function rate(limit, at, pace)
  local per_unit, burst = limit[3] / pace, limit[4]
  if not at then
    at = now
    fresh[#fresh + 1] = 'at:' .. limit[2]
    fresh[#fresh + 1] = whole(now)
  end
  local empty_at = math.max(at, now - limit[5] / pace)
  local there = math.min(burst, math.floor((now - empty_at) / per_unit + EARLY))
  if least > burst and there >= burst then there = least end
  local worth = math.min(math.max(least, math.min(want, limit[6])), burst)
  return there, empty_at + worth * per_unit - now, per_unit, empty_at
end

local stale = false -- a rolling window must be counted anew, from what SQL knows

local function quota(limit, reset, share, used, told)
  if not reset or tonumber(reset) <= now then
    stale = stale or is_rolling(limit[5], told)
    reset, used = next_reset(now, limit[4], limit[5]), 0
  end
  return math.floor(limit[3] * share) - used, reset - now, tonumber(reset), tonumber(used)
end

local healthy = health(state[3], state[4], now)
local units, wait, blocking = want, 0, 0
for i, limit in ipairs(limits) do
  local share, at, used = state[4 * i + 2] or 1, state[4 * i + 3], state[4 * i + 4]
  local there, pause
  if limit[1] == RATE then
    there, pause, limit.basis, limit.before = rate(limit, at, healthy * share)
  else
    there, pause, limit.basis, limit.before = quota(limit, at, share, used, state[4 * i + 5])
  end
  units = math.min(units, there)
  if there < least and pause >= wait then wait, blocking = pause, i end
end
if stale then return {2} end
if blocking > 0 then
  if #fresh > 0 then redis.call('HSET', KEYS[1], unpack(fresh)) end
  return {0, math.max(LEAST_WAIT, math.ceil(wait)), blocking}
end

local use_by = math.min(now + ARGV[4], now - now % DAY + DAY)
local writes, record = {}, {}
for i, limit in ipairs(limits) do
  local n = #writes
  if limit[1] == RATE then
    writes[n + 1], writes[n + 2] = 'at:' .. limit[2], whole(math.ceil(limit.before + units * limit.basis))
  else
    writes[n + 1], writes[n + 2] = 'at:' .. limit[2], whole(limit.basis)
    writes[n + 3], writes[n + 4] = 'used:' .. limit[2], whole(limit.before + units)
    use_by = math.min(use_by, limit.basis)
  end
  record[i] = string.format(' %s=%.3f', limit[2], limit.basis)
end
if #writes > 0 then redis.call('HSET', KEYS[1], unpack(writes)) end
redis.call('SET', KEYS[2], whole(units) .. ' ' .. whole(use_by) .. table.concat(record), 'PX', ARGV[5])
return {1, units, math.max(0, use_by - now)}

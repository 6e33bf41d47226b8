-- Takes note of what a provider's answer said: lowers, never raises, but for a reset that the provider named.
-- KEYS  budget, then one per limit
-- ARGV  clock shift µs, refused (0 or 1), pause µs (0: none), window to wait out µs (0: none), jitter µs,
--       sent ago µs (-1: unknown), then eight per limit (-1: not said):
--         share field, 'rate', µs per unit, amount, published, remaining, claimed, resets in µs
--         share field, 'quota', window µs,  amount, published, remaining, claimed, resets in µs

local PER_LIMIT, FLOOR, SAME_RESET = 8, 0.05, 5000000
local now, refused, sent_ago = clock(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[6])
local fields = {'born', 'gate', 'slow', 'slow_at', 'synced'}
for p = 7, #ARGV, PER_LIMIT do fields[#fields + 1] = ARGV[p] end
local budget = redis.call('HMGET', KEYS[1], unpack(fields))
if not budget[1] then return 0 end

local gate = tonumber(budget[2] or 0)
local healthy = health(budget[3], budget[4], now)

local function same_incident()
  if sent_ago < 0 then return gate > now end
  return now - sent_ago < tonumber(budget[4] or 0)
end

local function close()
  local pause, window = tonumber(ARGV[3]), tonumber(ARGV[4])
  if pause <= 0 and window > 0 then pause = window - now % window + tonumber(ARGV[5]) end
  if pause > 0 and now + pause > gate then redis.call('HSET', KEYS[1], 'gate', whole(now + pause)) end
end

local function halve()
  healthy = math.max(FLOOR, healthy / 2)
  redis.call('HSET', KEYS[1], 'slow', string.format('%.4f', healthy), 'slow_at', whole(now))
end

local function empty(key)
  local empty_at = math.max(tonumber(redis.call('GET', key) or now), now)
  redis.call('SET', key, whole(empty_at), 'PX', KEEP)
end

local function lower_rate(key, p, share, left, resets_in)
  -- the bucket gives `left` units until the reset and no more
  local last = now + math.max(0, resets_in) - left * tonumber(ARGV[p + 2]) / (healthy * share)
  local empty_at = tonumber(redis.call('GET', key) or now)
  redis.call('SET', key, whole(math.ceil(math.max(empty_at, last))), 'PX', KEEP)
end

local function lower_quota(key, p, amount, left, resets_in)
  local window = tonumber(ARGV[p + 2])
  local state = redis.call('HMGET', key, 'used', 'reset', 'told')
  local used, reset, told = tonumber(state[1] or 0), tonumber(state[2] or 0), state[3]
  if reset <= now then used, reset, told = 0, now + window, nil end
  local named = now + resets_in
  if left >= 0 then
    local turned = told and resets_in >= 0 and named > reset + window / 2
    local seen = math.ceil(amount - left)
    used = turned and seen or math.max(used, seen)
  end
  if resets_in >= 0 and (not told or math.abs(named - reset) > SAME_RESET) then reset, told = named, '1' end
  redis.call('HSET', key, 'used', whole(math.max(0, used)), 'reset', whole(reset))
  if told then redis.call('HSET', key, 'told', '1') else redis.call('HDEL', key, 'told') end
  redis.call('PEXPIRE', key, whole((reset - now) / 1000 + KEEP))
end

local function take_note(i)
  local p = 7 + (i - 2) * PER_LIMIT
  local amount, published = tonumber(ARGV[p + 3]), tonumber(ARGV[p + 4])
  local remaining, claimed, resets_in = tonumber(ARGV[p + 5]), tonumber(ARGV[p + 6]), tonumber(ARGV[p + 7])
  local share = tonumber(budget[i + 4] or 1)
  if claimed > 0 then
    local now_claimed = math.min(1, claimed / published)
    share = resets_in >= 0 and now_claimed or math.min(share, now_claimed)
    redis.call('HSET', KEYS[1], ARGV[p], string.format('%.6f', share))
  end
  local left = remaining < 0 and -1 or math.max(0, remaining - (published - amount) * share)
  if ARGV[p + 1] == 'quota' and (left >= 0 or resets_in >= 0) then
    lower_quota(KEYS[i], p, math.floor(amount * share), left, resets_in)
  elseif left >= 0 then
    lower_rate(KEYS[i], p, share, left, resets_in)
  end
end

if refused and not same_incident() then
  halve()
  for i = 2, #KEYS do
    if ARGV[7 + (i - 2) * PER_LIMIT + 1] == 'rate' then empty(KEYS[i]) end
  end
end
close()
if sent_ago >= 0 and now - sent_ago < tonumber(budget[5] or 0) then return 1 end
redis.call('HSET', KEYS[1], 'synced', whole(now))
for i = 2, #KEYS do take_note(i) end
return 1

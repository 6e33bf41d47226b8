-- Takes note of what a provider's answer said: lowers, never raises, but for a reset that the provider named.
-- KEYS  budget
-- ARGV  clock shift µs, refused (0 or 1), pause µs (0: none), window to wait out µs (0: none), jitter µs,
--       sent ago µs (-1: unknown), fields to read (packed, the fifth is `synced`), limits (packed; -1: not said):
--         {RATE, limit, µs per unit, amount, published, remaining, claimed, resets in µs,
--           window µs (0: calls are spaced), units held back}
--         {QUOTA, limit, window µs, amount, published, remaining, claimed, resets in µs, µs of the next midnight or 0}

local SLOWEST, SAME_RESET = 0.05, 5000000
local ENOUGH, MUCH, CREEPS = 0.25, 0.5, 0.02 -- as in phases.py
local now, refused, sent_ago = clock(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[6])
local state = redis.call('HMGET', KEYS[1], unpack(cmsgpack.unpack(ARGV[7])))
if not state[1] then return 0 end

local gate, slow_at, synced = tonumber(state[2] or 0), tonumber(state[4] or 0), tonumber(state[5] or 0)
local healthy = health(state[3], slow_at, now)
local emptied = 0 -- no bucket holds anything before this moment
local writes = {}

local function write(field, value)
  writes[#writes + 1] = field
  writes[#writes + 1] = value
end

local function same_incident()
  if sent_ago < 0 then return gate > now end
  return now - sent_ago < slow_at
end

local function halve()
  healthy, emptied = math.max(SLOWEST, healthy / 2), now
  write('slow', string.format('%.17g', healthy))
  write('slow_at', whole(now))
end

local function close()
  local pause, window = tonumber(ARGV[3]), tonumber(ARGV[4])
  if pause <= 0 and window > 0 then pause = window - now % window + ARGV[5] end
  if pause > 0 and now + pause > gate then write('gate', whole(now + pause)) end
end

-- What phases.py says: whether the answer can be believed, when the window turns (nil: it slides), and whether that is
-- another window than was believed before.
local function watched(limit, remaining)
  local window, amount = limit[9], limit[5]
  local last, at, phase, slides = 0, nil, 0, false
  local seen = redis.call('HGET', KEYS[1], 'seen:' .. limit[2])
  if seen then
    local told = {string.match(seen, '^(%S+) (%S+) (%S+) (%S+)$')}
    last, at, phase, slides = tonumber(told[1]), tonumber(told[2]), tonumber(told[3]), told[4] == '1'
  end
  local function nth(moment) return math.floor((moment - phase) / window) end
  if nth(now - math.max(0, sent_ago)) < nth(now) then return false end
  local slid, began = slides, phase
  if at and amount - last >= ENOUGH * amount then
    local used, rise = amount - last, remaining - last
    if nth(now) > nth(at) then
      slides = rise < MUCH * used
    elseif rise >= math.max(MUCH * used, (ENOUGH + 2 * (now - at) / window) * amount) then
      slides, phase = false, now % window
    else
      slides = slides or rise > CREEPS * amount
    end
  end
  local known = string.format('%.17g %.0f %.0f %d', remaining, now, phase, slides and 1 or 0)
  write('seen:' .. limit[2], known)
  local turn = nil
  if not slides then turn = now + window - (now - phase) % window end
  return true, turn, at and (slides ~= slid or phase ~= began)
end

-- The bucket gives what is left until the reset, and no more; without a reset what lacks is a debt.
local function last_empty(limit, remaining, resets_in, share)
  local left = remaining - math.max((limit[5] - limit[4]) * share, limit[10])
  local reset, known, is_news = resets_in >= 0 and now + resets_in or now, true, false
  if resets_in < 0 and limit[9] > 0 then known, reset, is_news = watched(limit, remaining) end
  if not known then return 0 end
  return (reset or now) - (reset and math.max(0, left) or left) * limit[3] / (healthy * share), is_news
end

local function note_rate(limit, at, remaining, resets_in, share)
  local last, is_news = emptied, false
  if remaining >= 0 then
    local told
    told, is_news = last_empty(limit, remaining, resets_in, share)
    last = math.max(last, told)
  end
  if is_news then at = last end
  if last > 0 then write('at:' .. limit[2], whole(math.ceil(math.max(at or now, last)))) end
end

local function note_quota(limit, at, used, told, left, resets_in, share)
  if left < 0 and resets_in < 0 then return end
  local window, reset, named = limit[3], tonumber(at or 0), now + resets_in
  used, told = tonumber(used or 0), told == '1'
  local stale = reset <= now and is_rolling(limit[9], told and '1')
  if reset <= now and not stale then reset, used, told = next_reset(now, window, limit[9]), 0, false end
  if left >= 0 then
    local seen = math.max(0, math.ceil(math.floor(limit[4] * share) - left))
    local turned = told and resets_in >= 0 and named > reset + window / 2
    used = turned and seen or math.max(used, seen)
  end
  if resets_in >= 0 and not (told and math.abs(named - reset) <= SAME_RESET) then reset, told = named, true end
  write('used:' .. limit[2], whole(used))
  write('at:' .. limit[2], whole(reset))
  write('told:' .. limit[2], told and '1' or '0')
end

local function share_of(limit, share, claimed, resets_in)
  if claimed < 0 then return share end
  local told = math.min(1, claimed / limit[5])
  if resets_in < 0 then told = math.min(share, told) end
  write('share:' .. limit[2], string.format('%.17g', told))
  return told
end

if refused and not same_incident() then halve() end
close()
local overtaken = sent_ago >= 0 and now - sent_ago < synced
if not overtaken then write('synced', whole(now)) end
for i, limit in ipairs(cmsgpack.unpack(ARGV[8])) do
  local remaining, claimed, resets_in = limit[6], limit[7], limit[8]
  if overtaken then remaining, claimed, resets_in = -1, -1, -1 end
  local share = share_of(limit, tonumber(state[4 * i + 2] or 1), claimed, resets_in)
  if limit[1] == RATE then
    note_rate(limit, state[4 * i + 3], remaining, resets_in, share)
  else
    local left = remaining < 0 and -1 or math.max(0, remaining - (limit[5] - limit[4]) * share)
    note_quota(limit, state[4 * i + 3], state[4 * i + 4], state[4 * i + 5], left, resets_in, share)
  end
end
if #writes > 0 then redis.call('HSET', KEYS[1], unpack(writes)) end
return 1

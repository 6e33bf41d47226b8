-- Put before every script. All keys of a budget share its hash tag.
--   budget        hash    born (µs), gate (µs: closed until), slow (share of the rate left after a 429), slow_at (µs),
--                         synced (µs of the last news), and per metered limit (rate:<name>, quota:<name>):
--     share:<limit>       what the vendor claims of what it publishes; absent: all of it
--     at:<limit>          rate: when the bucket held nothing, in the future: debt; absent: an empty bucket, now
--                         quota: when the window is reset; of a rolling one: when it must be counted anew
--     used:<limit>        quota: units used in the window · told:<limit>  1: the vendor named the reset
--     seen:<limit>        rate: "<remaining> <at µs> <phase µs> <1: slides>", as in phases.py
--   slots:<name>  zset    slot id -> µs of expiry
--   grant:<id>    string  "<units> <use by µs> <limit>=<µs per unit, or reset> ..."
-- Times are whole µs of this server's clock. Lua prints numbers with 14 digits unless told otherwise.
-- Limits travel as MessagePack, packed once by the client: a list of {kind, <limit>, ...}, told on top of each script.
-- Fields to read are the five of the budget, then share, at, used, told of each limit.

local RATE, QUOTA = 1, 2
local MINUTE = 60000000
local DAY = 86400000000
local HEALING = 0.05 -- of the rate, each minute without a 429
local EARLY = 0.01 -- of a unit is there in time; else rounding to µs costs the last unit of a burst
local LEAST_WAIT = 1000 -- µs; a shorter one would make waiters spin

local function whole(x) return string.format('%.0f', x) end

local function clock(shift)
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2] + shift
end

local function health(slow, slow_at, now)
  if not slow then return 1 end
  local quiet = math.max(0, math.floor((now - slow_at) / MINUTE)) -- clocks are set back, too
  return math.min(1, slow + HEALING * quiet)
end

-- Whether a quota's window slides: then it has no end, only a moment at which part of it is over.
local function is_rolling(midnight, told) return midnight == 0 and told ~= '1' end

-- The end of a quota's window that begins now; `midnight` is 0 where it is not a calendar day.
local function next_reset(now, window, midnight)
  if midnight == 0 then return now + window end
  return midnight > now and midnight or midnight + DAY
end

-- Put before every script. All keys of a budget share its hash tag.
--   budget       hash    born, gate (µs: closed until), slow (share of the rate), slow_at (µs of the last 429),
--                        synced (µs of the last news), share:<limit> (what the vendor claims / what it publishes)
--   rate:<name>  string  µs at which the bucket held nothing; in the future: debt. Absent: an empty bucket, now
--   quota:<name> hash    used, reset (µs), told (1: the vendor named the reset)
--   slots:<name> zset    slot id -> µs of expiry
--   grant:<id>   string  "<units> <use by µs> <name>=<interval or reset> ..."
-- Times are whole µs of this server's clock. Lua prints numbers with 14 digits unless told otherwise.

local KEEP = 604800000 -- ms; longer than any window, so that only idle keys lapse
local MINUTE = 60000000
local DAY = 86400000000
local HEALING = 0.05 -- of the rate, each minute without a 429
local LEAST_WAIT = 1000 -- µs; a shorter one would make waiters spin

local function whole(x) return string.format('%.0f', x) end

local function clock(shift)
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000000 + tonumber(t[2]) + tonumber(shift)
end

local function health(slow, slow_at, now)
  if not slow then return 1 end
  return math.min(1, tonumber(slow) + HEALING * math.floor((now - tonumber(slow_at)) / MINUTE))
end

local function after(now, moment)
  if moment > now then return moment end
  return moment + DAY
end

-- Gives unused units of a grant back, once; a grant that is gone, or a limit that is no longer the same, gets nothing.
-- KEYS  budget, grant, then one per limit
-- ARGV  unused, then two per limit: share field, 'rate' or 'quota'

local grant = redis.call('GET', KEYS[2])
if not grant then return 0 end
local units = tonumber(string.match(grant, '^(%d+)'))
local unused = math.max(0, math.min(tonumber(ARGV[1]), units))
local charged = {}
for name, value in string.gmatch(grant, ' ([^ =]+)=([%d.]+)') do charged[name] = tonumber(value) end

local function bucket(key, per_unit)
  local empty_at = redis.call('GET', key)
  if not empty_at then return nil end
  return {'SET', key, whole(math.ceil(tonumber(empty_at) - unused * per_unit)), 'PX', KEEP}
end

local function window(key, reset)
  local state = redis.call('HMGET', key, 'used', 'reset')
  if not state[1] or state[2] ~= whole(reset) then return nil end
  return {'HSET', key, 'used', whole(math.max(0, tonumber(state[1]) - unused))}
end

local writes = {}
for i = 3, #KEYS do
  local p = 2 + (i - 3) * 2
  local value = charged[ARGV[p]]
  if value then
    local refund = ARGV[p + 1] == 'rate' and bucket or window
    writes[#writes + 1] = refund(KEYS[i], value)
  end
end
for _, write in ipairs(writes) do redis.call(unpack(write)) end
redis.call('DEL', KEYS[2])
return unused

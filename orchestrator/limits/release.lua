-- Gives unused units of a grant back, once; a grant that is gone, or a limit that is no longer the same, gets nothing.
-- KEYS  budget, grant
-- ARGV  unused, limits (packed) as in acquire.lua

local grant = redis.call('GET', KEYS[2])
if not grant then return 0 end
local unused = math.max(0, math.min(tonumber(ARGV[1]), tonumber(string.match(grant, '^%d+'))))
local charged = {}
for name, basis in string.gmatch(grant, ' ([^ =]+)=([%d.]+)') do charged[name] = tonumber(basis) end

local writes = {}
local function write(field, value)
  writes[#writes + 1] = field
  writes[#writes + 1] = whole(value)
end

for _, limit in ipairs(cmsgpack.unpack(ARGV[2])) do
  local name, basis = limit[2], charged[limit[2]]
  local state = redis.call('HMGET', KEYS[1], 'at:' .. name, 'used:' .. name)
  if basis and state[1] and limit[1] == RATE then
    write('at:' .. name, math.ceil(state[1] - unused * basis))
  elseif basis and state[2] and state[1] == whole(basis) then
    write('used:' .. name, math.max(0, state[2] - unused))
  end
end
if #writes > 0 then redis.call('HSET', KEYS[1], unpack(writes)) end
redis.call('DEL', KEYS[2])
return unused

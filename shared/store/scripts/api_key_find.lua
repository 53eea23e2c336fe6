-- Return an API key, and note its use if the caller has it. A full Redis only notes nothing.
--
-- KEYS  hash of the key
-- ARGV  digest of the caller's key ('' = it has shown the key before), time between two notes ms
-- Returns the record, or nothing.

local found = redis.call('HMGET', KEYS[1], 'record', 'used')
if found[1] and (ARGV[1] == '' or cjson.decode(found[1]).digest == ARGV[1]) then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  if now - (tonumber(found[2]) or 0) >= tonumber(ARGV[2]) then
    redis.pcall('HSET', KEYS[1], 'used', string.format('%.0f', now))
  end
end
return found[1]

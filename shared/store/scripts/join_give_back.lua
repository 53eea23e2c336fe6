-- Undo a use of a join code.
--
-- require: usage
--
-- KEYS  code, requests of the code [, the owner's usage]
-- ARGV  participant id, request ('' = none), expiry of the code in ms since 1970

local taken, request, bytes = 'taken:' .. ARGV[1], ARGV[2], 0
local token = redis.call('HGET', KEYS[1], taken)
local done = request ~= '' and redis.call('HGET', KEYS[2], request)

if token then
  bytes = bytes + bytes_of_field(taken, token)
  redis.call('HDEL', KEYS[1], taken)
  redis.call('HINCRBY', KEYS[1], 'uses', -1)
end
if done then
  bytes = bytes + bytes_of_field(request, done)
  redis.call('HDEL', KEYS[2], request)
end
if KEYS[3] and bytes > 0 then
  uncount_bytes(KEYS[3], bytes, ARGV[3])
end
return 1

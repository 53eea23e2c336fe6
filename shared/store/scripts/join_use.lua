-- Use a join code once, and take a participant.
--
-- The requests are not in the hash of the code, because each guess reads that.
--
-- KEYS  code, requests of the code
-- ARGV  record, participant id ('' = none), request ('' = none), most uses, expiry of the code in ms since 1970
-- Returns {'used', participant id} of this use or of an earlier one with the same request,
-- {'taken'}, or {'closed'} if the code is gone, another one, or has no uses left.

local participant, request = ARGV[2], ARGV[3]
if redis.call('HGET', KEYS[1], 'record') ~= ARGV[1] then
  return {'closed'}
end
local earlier = request ~= '' and redis.call('HGET', KEYS[2], request)
if earlier then
  return {'used', earlier}
end
if participant ~= '' and redis.call('HEXISTS', KEYS[1], 'taken:' .. participant) == 1 then
  return {'taken'}
end
if tonumber(redis.call('HGET', KEYS[1], 'uses')) >= tonumber(ARGV[4]) then
  return {'closed'}
end
redis.call('HINCRBY', KEYS[1], 'uses', 1)
if participant ~= '' then
  redis.call('HSET', KEYS[1], 'taken:' .. participant, 1)
end
if request ~= '' then
  redis.call('HSET', KEYS[2], request, participant)
  redis.call('PEXPIREAT', KEYS[2], ARGV[5])
end
return {'used', participant}

-- Use a join code once, and take a participant. What is stored for that counts among the bytes of the
-- session's owner until the code expires.
--
-- The requests are not in the hash of the code, because each guess reads that.
--
-- require: usage
--
-- KEYS  code, requests of the code [, the owner's usage]
-- ARGV  record, participant id ('' = none), request ('' = none), content of the request, most uses,
--       expiry of the code in ms since 1970, id of a new token [, most bytes of the owner
--       ('' = any)]
-- Returns {'used', participant id, token id} of this use or of an earlier one with the same request
-- and content, {'reused'} if that had other content, {'taken'}, {'full'} if the owner would have
-- too many bytes, or {'closed'} if the code is gone, another one, or has no uses left.

local participant, request, content, token = ARGV[2], ARGV[3], ARGV[4], ARGV[7]
if redis.call('HGET', KEYS[1], 'record') ~= ARGV[1] then
  return {'closed'}
end
local earlier = request ~= '' and redis.call('HGET', KEYS[2], request)
if earlier then
  local its_content, its_token, its_participant = string.match(earlier, '^(%S*) (%S*) (.*)$')
  if its_content ~= content then
    return {'reused'}
  end
  return {'used', its_participant, its_token}
end
if participant ~= '' and redis.call('HEXISTS', KEYS[1], 'taken:' .. participant) == 1 then
  return {'taken'}
end
if tonumber(redis.call('HGET', KEYS[1], 'uses')) >= tonumber(ARGV[5]) then
  return {'closed'}
end

local taken, done = 'taken:' .. participant, content .. ' ' .. token .. ' ' .. participant
local bytes = 0
if participant ~= '' then
  bytes = bytes + bytes_of_field(taken, token)
end
if request ~= '' then
  bytes = bytes + bytes_of_field(request, done)
end
local held = KEYS[3]
if held and bytes > 0 and not count_bytes(held, bytes, ARGV[6], ARGV[8]) then
  return {'full'}
end

redis.call('HINCRBY', KEYS[1], 'uses', 1)
if participant ~= '' then
  redis.call('HSET', KEYS[1], taken, token)
end
if request ~= '' then
  redis.call('HSET', KEYS[2], request, done)
  redis.call('PEXPIREAT', KEYS[2], ARGV[6])
end
return {'used', participant, token}

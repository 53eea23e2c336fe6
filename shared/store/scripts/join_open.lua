-- Open a join code for a session, in place of the one that it has. Its bytes count for the owner
-- until it expires, also if it is closed before.
--
-- require: usage
--
-- KEYS  new code, letters of the session's code, replaced code, requests of the replaced code
--       [, the owner's usage]
-- ARGV  new letters, record, expiry in ms since 1970, replaced letters ('' = none)
--       [, most bytes of the owner ('' = any)]
-- Returns 1 if it was opened; 0 if the letters are in use, or the session's code is another one now;
-- nil if the owner would have too many bytes.

local AROUND_CODE = 512

if (redis.call('GET', KEYS[2]) or '') ~= ARGV[4] or redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
local held, bytes = KEYS[5], AROUND_CODE + #ARGV[2]
if held and not count_bytes(held, bytes, ARGV[3], ARGV[5]) then
  return false
end
redis.call('HSET', KEYS[1], 'record', ARGV[2], 'uses', 0)
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
redis.call('SET', KEYS[2], ARGV[1])
redis.call('PEXPIREAT', KEYS[2], ARGV[3])
if ARGV[4] ~= '' then
  redis.call('DEL', KEYS[3], KEYS[4])
end
return 1

-- Write a field of a hash if it has its expected value.
--
-- KEYS  hash
-- ARGV  field, expected value ('' = none), new value, most fields of the hash
-- Returns 1 if it was written.

if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then
  return 0
end
if ARGV[2] == '' and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1

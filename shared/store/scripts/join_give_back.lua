-- Undo a use of a join code.
--
-- KEYS  code, requests of the code
-- ARGV  participant id, request ('' = none)

if redis.call('HDEL', KEYS[1], 'taken:' .. ARGV[1]) == 1 then
  redis.call('HINCRBY', KEYS[1], 'uses', -1)
end
if ARGV[2] ~= '' then
  redis.call('HDEL', KEYS[2], ARGV[2])
end
return 1

-- Close the join code of a session, unless it has another one by now.
--
-- KEYS  code, letters of the session's code, requests of the code
-- ARGV  letters

if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
end
return 1

-- Call a shard whole, if it still knows who was bringing it back: it was not emptied meanwhile.
--
-- KEYS  recovery, whole
-- ARGV  who

if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[2], '1')
  redis.call('DEL', KEYS[1])
end

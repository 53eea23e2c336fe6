-- Call a shard whole, if it still knows who was bringing it back: it was not emptied meanwhile.
--
-- The first write is a DEL, which a Redis without memory allows, so that a recovery that filled it
-- still ends: see commit.lua.
--
-- KEYS  recovery, whole
-- ARGV  who, a new name for the time that begins (the epoch)

if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], ARGV[2])
end

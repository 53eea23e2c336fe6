-- End the recovery of a shard and begin a new epoch, unless the recovery lease was lost: then the
-- shard may have lost its data again.
--
-- The first write is a DEL, which a full Redis allows, so that a recovery that filled it can end:
-- see commit.lua.
--
-- KEYS  recovery lease, epoch marker
-- ARGV  holder of the lease, name of the new epoch

if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], ARGV[2])
end

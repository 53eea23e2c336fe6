-- Store that an API key is revoked, if it is still stored.
-- A full Redis accepts it, because its first write needs no memory: see commit.lua.
--
-- KEYS  hash of the key
-- ARGV  record, time to live ms

if redis.call('PEXPIRE', KEYS[1], ARGV[2]) == 1 then
  redis.call('HSET', KEYS[1], 'record', ARGV[1])
end

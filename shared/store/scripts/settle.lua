-- Remove audit entries that the database has stored.
--
-- A full Redis allows both writes: see commit.lua.
--
-- KEYS  outbox
-- ARGV  group, stream ids ...

redis.call('XACK', KEYS[1], unpack(ARGV))
redis.call('XDEL', KEYS[1], unpack(ARGV, 2))

-- Drop audit entries that the database has.
--
-- Both writes are ones that a Redis without memory allows: see commit.lua.
--
-- KEYS  outbox
-- ARGV  group, stream ids ...

redis.call('XACK', KEYS[1], unpack(ARGV))
redis.call('XDEL', KEYS[1], unpack(ARGV, 2))

-- Let the workers of webhooks read an outbox, because a webhook exists.
--
-- KEYS  outbox, ids of all webhooks, channel of the outbox
-- ARGV  group, message for the channel, ids ...

local outbox, ids, channel = KEYS[1], KEYS[2], KEYS[3]

redis.call('SADD', ids, unpack(ARGV, 3))
-- Fails harmlessly if the group exists already. It reads the entries that come from now on.
redis.pcall('XGROUP', 'CREATE', outbox, ARGV[1], '$', 'MKSTREAM')
redis.call('PUBLISH', channel, ARGV[2])

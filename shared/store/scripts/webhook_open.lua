-- Let the workers of webhooks read an outbox, because a webhook exists.
--
-- KEYS  outbox, ids of all webhooks, channel of the outbox
-- ARGV  group, message for the channel, ids ...

local outbox, ids, channel = KEYS[1], KEYS[2], KEYS[3]

-- In parts, because Lua passes at most 8 000 values to a function.
for first = 3, #ARGV, 1000 do
  redis.call('SADD', ids, unpack(ARGV, first, math.min(first + 999, #ARGV)))
end
-- Fails harmlessly if the group exists already. It reads the entries that come from now on.
redis.pcall('XGROUP', 'CREATE', outbox, ARGV[1], '$', 'MKSTREAM')
redis.call('PUBLISH', channel, ARGV[2])

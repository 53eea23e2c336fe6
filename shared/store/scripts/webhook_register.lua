-- Write a webhook if it has its expected value, and let the workers read the outbox beside it.
-- Both happen in one step, so that a crash can't leave a webhook that no worker knows.
--
-- KEYS  hash of the tenant's webhooks, outbox, ids of all webhooks, channel of the outbox
-- ARGV  webhook id, expected value ('' = none), new value, most webhooks of the tenant, group,
--       message for the channel, id in the set
-- Returns 1 if it was written.

local webhooks, outbox, ids, channel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

if (redis.call('HGET', webhooks, ARGV[1]) or '') ~= ARGV[2] then
  return 0
end
if ARGV[2] == '' and redis.call('HLEN', webhooks) >= tonumber(ARGV[4]) then
  return 0
end
redis.call('HSET', webhooks, ARGV[1], ARGV[3])
redis.call('SADD', ids, ARGV[7])
-- Fails harmlessly if the group exists already. It reads the entries that come from now on.
redis.pcall('XGROUP', 'CREATE', outbox, ARGV[5], '$', 'MKSTREAM')
redis.call('PUBLISH', channel, ARGV[6])
return 1

-- Remove all messages for a recipient whose webhook doesn't exist or is off.
--
-- KEYS  due recipients, bytes of each webhook, the recipient's queue
-- ARGV  recipient, webhook id, score of the claim

if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '') == tonumber(ARGV[3]) then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('DEL', KEYS[3])
  redis.call('HDEL', KEYS[2], ARGV[2])
end

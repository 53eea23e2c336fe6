-- Store the result of an attempt to deliver a message, and end its claim.
--
-- The first write is a ZREM, which a full Redis allows: see commit.lua.
--
-- KEYS  due recipients, bytes of each webhook, the recipient's queue, the webhook's attempts
-- ARGV  recipient, webhook id, score of the claim, score of the next attempt ('' = remove the
--       message), score of a recipient that is due now, attempt, most attempts to keep,
--       ms to keep them

local due, held, queue, attempts = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local recipient, webhook, claim, next_at, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

if tonumber(redis.call('ZSCORE', due, recipient) or '') ~= tonumber(claim) then
  return
end
redis.call('ZREM', due, recipient)
if next_at ~= '' then
  redis.call('ZADD', due, next_at, recipient)
else
  local message = redis.call('LPOP', queue)
  if message and redis.call('HINCRBY', held, webhook, -#message) <= 0 then
    redis.call('HDEL', held, webhook)
  end
  if redis.call('EXISTS', queue) == 1 then
    redis.call('ZADD', due, now, recipient)
  end
end
redis.call('XADD', attempts, 'MAXLEN', '~', ARGV[7], '*', 'attempt', ARGV[6])
redis.call('PEXPIRE', attempts, ARGV[8])

-- Add messages to the queues of webhooks.
--
-- The messages leave the outbox afterwards, so a full Redis must take them: the first write is a
-- ZREM, which it allows (see commit.lua).
--
-- KEYS  due recipients, bytes of each webhook, then for each message the recipient's queue
-- ARGV  score of a recipient that is due now, most bytes of a webhook,
--       then for each message: recipient, webhook id, message
-- Returns the numbers of the messages, from 1, for which there is no room.

local due, held = KEYS[1], KEYS[2]
local now, most_bytes = ARGV[1], tonumber(ARGV[2])
local refused = {}

redis.call('ZREM', due, '')
for n = 1, (#ARGV - 2) / 3 do
  local queue = KEYS[2 + n]
  local recipient, webhook, message = ARGV[3 * n], ARGV[3 * n + 1], ARGV[3 * n + 2]
  -- The same message comes again if a worker died before the entry left the outbox.
  if redis.call('LINDEX', queue, -1) ~= message then
    local bytes = tonumber(redis.call('HGET', held, webhook)) or 0
    if bytes + #message > most_bytes then
      refused[#refused + 1] = n
    else
      redis.call('RPUSH', queue, message)
      redis.call('HINCRBY', held, webhook, #message)
      redis.call('ZADD', due, 'NX', now, recipient)
    end
  end
end
return refused

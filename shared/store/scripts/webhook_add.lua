-- Add messages to the queues of webhooks, except those that were added before.
--
-- The messages leave the outbox afterwards, so a full Redis must take them: the first write is a
-- ZREM, which it allows (see commit.lua).
--
-- KEYS  due recipients, bytes of each webhook, then for each message: the recipient's queue, and
--       the version of the last message that was added to it
-- ARGV  score of a recipient that is due now, most bytes of a webhook, ms to keep that version,
--       then for each message: recipient, webhook id, version, message
-- Returns the numbers of the messages, from 1, for which there is no room.

local due, held = KEYS[1], KEYS[2]
local now, most_bytes, kept_for = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local refused = {}

redis.call('ZREM', due, '')
for n = 1, (#ARGV - 3) / 4 do
  local queue, last = KEYS[2 * n + 1], KEYS[2 * n + 2]
  local recipient, webhook, version, message = unpack(ARGV, 4 * n, 4 * n + 3)
  -- Messages come again if a worker died before the entries left the outbox.
  if tonumber(version) > (tonumber(redis.call('GET', last)) or 0) then
    local bytes = tonumber(redis.call('HGET', held, webhook)) or 0
    if bytes + #message > most_bytes then
      refused[#refused + 1] = n
    else
      redis.call('RPUSH', queue, message)
      redis.call('HINCRBY', held, webhook, #message)
      redis.call('ZADD', due, 'NX', now, recipient)
    end
    redis.call('SET', last, version, 'PX', kept_for)
  end
end
return refused

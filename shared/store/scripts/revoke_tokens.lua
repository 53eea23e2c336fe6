-- Revoke one token of a session, or all that were issued until now, and tell live connections.
-- A full Redis accepts it, because its first write needs no memory: see commit.lua.
--
-- KEYS  hash: token id, or '*' for all -> ms since 1970 of the revocation; channel of the session
-- ARGV  token id or '*', time to live ms, most token ids, JSON message up to the instant
-- Returns 0 if there are too many token ids, otherwise 1.

local revoked, token_id = KEYS[1], ARGV[1]
local all_at = redis.call('HGET', revoked, '*')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if token_id == '*' then
  -- Tokens that were issued since the last time are issued 1 ms after that at the earliest.
  now = math.max(now, (tonumber(all_at) or 0) + 1)
  redis.call('DEL', revoked)
else
  local others = redis.call('HLEN', revoked) - (all_at and 1 or 0)
  if others >= tonumber(ARGV[3]) and redis.call('HEXISTS', revoked, token_id) == 0 then
    return 0
  end
  redis.call('HDEL', revoked, token_id)
end
now = string.format('%.0f', now)
redis.call('HSET', revoked, token_id, now)
redis.call('PEXPIRE', revoked, ARGV[2])
redis.call('PUBLISH', KEYS[2], ARGV[4] .. now .. '}')
return 1

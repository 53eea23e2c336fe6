-- One accepted change, whole or not at all: the session, its wake-up, its audit entries,
-- the idempotency record and the pushes.
--
-- KEYS  session, deadlines, outbox [, recorded answer]
-- ARGV  session id, expected revision ('' = none), operation id, state ('' = remove),
--       retention ms, wake-up ms ('' = none), push channel, wake channel, answer ('' = none), answer ttl ms,
--       outbox channel, number of audit entries, the entries ..., the pushes ...
-- Answers {'done'}, {'answered', record} or {'superseded', revision, state}.

local session, deadlines, outbox, answer = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, expected, operation, state = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local operations = redis.call('HGET', session, 'operations') or ''

-- The reply to an earlier try of this very commit was lost.
if string.find(operations, operation, 1, true) then
  return {'done'}
end

if answer then
  local recorded = redis.call('GET', answer)
  if recorded then
    return {'answered', recorded}
  end
end

local revision = string.match(operations, '^[^ ]*')
if revision ~= expected then
  return {'superseded', revision, redis.call('HGET', session, 'state')}
end

-- Eight operations back: a try that is repeated that late has long been given up.
local recent = operation .. ' ' .. string.sub(operations, 1, 8 * (#operation + 1) - 1)
if state == '' then
  -- What stays says that there was one: an id is never used twice, a deleted session not restored.
  redis.call('HSET', session, 'operations', recent)
  redis.call('HDEL', session, 'state')
  redis.call('PEXPIRE', session, ARGV[5])
  redis.call('ZREM', deadlines, id)
else
  redis.call('HSET', session, 'operations', recent, 'state', state)
  redis.call('PEXPIRE', session, ARGV[5])
  if ARGV[6] == '' then
    redis.call('ZREM', deadlines, id)
  else
    redis.call('ZADD', deadlines, ARGV[6], id)
    if redis.call('ZRANGE', deadlines, 0, 0)[1] == id then
      redis.call('PUBLISH', ARGV[8], ARGV[6])
    end
  end
end

if answer then
  redis.call('SET', answer, ARGV[9], 'PX', ARGV[10])
end

local entries = tonumber(ARGV[12])
for i = 13, 12 + entries do
  redis.call('XADD', outbox, '*', 'entry', ARGV[i])
end
if entries > 0 and redis.call('XLEN', outbox) == entries then
  redis.call('PUBLISH', ARGV[11], '')
end
for i = 13 + entries, #ARGV do
  redis.call('PUBLISH', ARGV[7], ARGV[i])
end
return {'done'}

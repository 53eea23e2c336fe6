-- One accepted change, whole or not at all: the session, its wake-up, its audit entries,
-- the idempotency record, its place among its owner's sessions and the pushes.
--
-- KEYS  session, deadlines, outbox, push channel, wake channel, outbox channel [, recorded answer]
--       [, its owner's live sessions]
-- ARGV  session id, expected revision ('' = none), operation id, state ('' = remove),
--       retention ms, wake-up ms ('' = none), now ms, alarm ms ('' = none), publish? ('' = no),
--       answer ('' = none), answer ttl ms, number of audit entries, the entries ...
--       [, where it has an owner: the most sessions that it may have ('' = any number)],
--       the pushes ...
-- Answers {'done', outbox was empty?, alarm to be set?}, {'answered', record},
-- {'superseded', revision, state}, or {'full'} where the owner of a new session has the most.

local session, deadlines, outbox = KEYS[1], KEYS[2], KEYS[3]
local push_channel, wake_channel, outbox_channel = KEYS[4], KEYS[5], KEYS[6]
local id, expected, operation, state = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local retention, wake_at, now, alarm_at = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local publishes = ARGV[9] ~= ''
local answer = ARGV[10] ~= '' and KEYS[7]
local entries = tonumber(ARGV[12])
local owned = KEYS[answer and 8 or 7]
local first_push = 13 + entries + (owned and 1 or 0)
local operations = redis.call('HGET', session, 'operations') or ''

-- The reply to an earlier try of this very commit was lost.
if string.find(operations, operation, 1, true) then
  -- What it had others told may not have been said.
  return {'done', 1, 1}
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

if owned and expected == '' then
  local most = ARGV[13 + entries]
  if most ~= '' and redis.call('ZCOUNT', owned, '(' .. now, '+inf') >= tonumber(most) then
    return {'full'}
  end
  redis.call('ZREMRANGEBYSCORE', owned, '-inf', now)
end

-- Eight operations back: a try that is repeated that late has long been given up.
local recent = operation .. ' ' .. string.sub(operations, 1, 8 * (#operation + 1) - 1)
if state == '' then
  -- What stays says that there was one: an id is never used twice, a deleted session not restored.
  redis.call('HSET', session, 'operations', recent)
  redis.call('HDEL', session, 'state')
  redis.call('PEXPIRE', session, retention)
  redis.call('ZREM', deadlines, id)
else
  redis.call('HSET', session, 'operations', recent, 'state', state)
  redis.call('PEXPIRE', session, retention)
  if wake_at == '' then
    redis.call('ZREM', deadlines, id)
  else
    redis.call('ZADD', deadlines, wake_at, id)
    if publishes and redis.call('ZRANGE', deadlines, 0, 0)[1] == id then
      redis.call('PUBLISH', wake_channel, wake_at)
    end
  end
end

if owned and (state == '' or wake_at == '') then
  redis.call('ZREM', owned, id)
elseif owned then
  redis.call('ZADD', owned, string.format('%.0f', now + retention), id)
  if redis.call('PTTL', owned) < tonumber(retention) then
    redis.call('PEXPIRE', owned, retention)
  end
end

-- An alarm that is set for later, or has gone off, is of no use.
local sets_alarm = 0
if alarm_at ~= '' then
  local set_for = tonumber(redis.call('HGET', session, 'alarm') or '')
  if not set_for or set_for <= tonumber(now) or tonumber(alarm_at) < set_for then
    redis.call('HSET', session, 'alarm', alarm_at)
    sets_alarm = 1
  end
end

if answer then
  redis.call('SET', answer, ARGV[10], 'PX', ARGV[11])
end

for i = 13, 12 + entries do
  redis.call('XADD', outbox, '*', 'entry', ARGV[i])
end
local was_empty = 0
if entries > 0 and redis.call('XLEN', outbox) == entries then
  was_empty = 1
  if publishes then
    redis.call('PUBLISH', outbox_channel, '')
  end
end
for i = first_push, #ARGV do
  redis.call('PUBLISH', push_channel, ARGV[i])
end
return {'done', was_empty, sets_alarm}

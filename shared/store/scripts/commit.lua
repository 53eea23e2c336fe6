-- Commit one accepted change atomically: the session, its wake-up, its audit entries, the recorded
-- answer, the owner's usage, the lists of sessions, and the pushes.
--
-- MEMORY. A Redis over its maxmemory decides on a script at its first write. If that command may
-- need memory (SET, HSET, ZADD, XADD ...), the script is refused. If not (DEL, HDEL, ZREM,
-- XACK ...), all writes of the script are allowed. So all scripts here follow two rules:
--   * a script that frees memory, or must not lose a due event, begins with a write that needs no
--     memory;
--   * every other script begins with a write that may need memory, so that a full Redis refuses it
--     before it has changed anything.
-- In this script, ending or deleting a session frees memory: its key expires a day later.
--
-- require: usage
--
-- KEYS  session, deadlines, outbox, push channel, wake channel, outbox channel [, recorded answer]
--       [, the owner's live sessions, the owner's usage]
--       [, for each list that has the session: its live sessions, its ended ones, their expiry]
--       [, the live test sessions]
-- ARGV  session id, expected revision ('' = none), operation id, state ('' = remove),
--       retention ms, wake-up ms ('' = none), now ms, alarm ms ('' = none), publish? ('' = no),
--       answer ('' = none), keep the state with the answer? ('' = no), answer ttl ms,
--       bytes of the whole session, fields that the session must have at least,
--       number of participants' fields to write, number of such fields to remove,
--       number of audit entries, number of KEYS of lists, the session's member in the lists,
--       end of its stay there (ms), a test session? ('' = no), the entries ...
--       [, with an owner: most sessions, most bytes, most load, most bytes written in a minute
--       ('' = any), load of this session],
--       the fields to write (name, value) ..., the names of the fields to remove ...,
--       the pushes ...
-- Returns {'done', outbox was empty?, alarm to be set?}, {'answered', record},
-- {'superseded', {all fields of the session}}, {'undivided'} if the session has fewer fields than
-- it must have, because an earlier release stored it in one, or {'full', 'sessions', 'bytes', 'load'
-- or 'written'} if the change would exceed that limit of the owner.

local session, deadlines, outbox = KEYS[1], KEYS[2], KEYS[3]
local push_channel, wake_channel, outbox_channel = KEYS[4], KEYS[5], KEYS[6]
local id, expected, operation, state = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local retention, wake_at, now, alarm_at = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local publishes = ARGV[9] ~= ''
local answer = ARGV[10] ~= '' and KEYS[7]
local session_bytes, least_fields = tonumber(ARGV[13]), tonumber(ARGV[14])
local tests = ARGV[21] ~= '' and KEYS[#KEYS]
local last_list, member, listed_until = #KEYS - (tests and 1 or 0), ARGV[19], ARGV[20]
local first_list = last_list - tonumber(ARGV[18]) + 1
local first_of_owner = answer and 8 or 7
local has_owner = first_list > first_of_owner
local owned, held = has_owner and KEYS[first_of_owner], has_owner and KEYS[first_of_owner + 1]
local first_entry, of_owner = 22, 22 + tonumber(ARGV[17])
local first_field = of_owner + (owned and 5 or 0)
local first_removed = first_field + 2 * tonumber(ARGV[15])
local first_push = first_removed + tonumber(ARGV[16])
local is_over = state == '' or wake_at == ''
local operations = redis.call('HGET', session, 'operations') or ''

-- This commit was made before, and the reply was lost.
if string.find(operations, operation, 1, true) then
  -- Ask the caller to notify of both again, because it may not have done so.
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
  return {'superseded', redis.call('HGETALL', session)}
end

if least_fields > 0 and redis.call('HLEN', session) < least_fields then
  return {'undivided'}
end

-- An owner's bytes are those of its data plus an estimate of Redis's overhead. Sizes of sessions
-- are rounded up, so that most changes of a session don't change the usage.
if owned then
  local BLOCK = 256
  local AROUND_SESSION, AROUND_ANSWER, TOMBSTONE = 1024, 256, 256
  local this_hour, this_minute = math.floor(now / USAGE_HOUR), math.floor(now / 60000)
  local counted = redis.call('HMGET', held, id, '#minute', '#written')
  local was_bytes, was_load = string.match(counted[1] or '', '^(%d+) (%d+)$')
  was_bytes, was_load = tonumber(was_bytes) or 0, tonumber(was_load) or 0

  local bytes, load, answer_bytes, written = 0, 0, 0, #state
  if not is_over then
    bytes = AROUND_SESSION + BLOCK * math.ceil(session_bytes / BLOCK)
    load = tonumber(ARGV[of_owner + 4])
  end
  if answer then
    answer_bytes = AROUND_ANSWER + #ARGV[10] + (ARGV[11] ~= '' and #state or 0)
  end
  for i = first_entry, of_owner - 1 do
    written = written + #ARGV[i]
  end
  for i = first_field + 1, first_removed - 1, 2 do
    written = written + #ARGV[i]
  end
  if tonumber(counted[2]) == this_minute then
    written = written + tonumber(counted[3])
  end

  local adds_up = is_over or answer or expected == '' or bytes ~= was_bytes or load ~= was_load

  -- Find usage to subtract: sessions that have expired, and amounts due to be freed in hours that
  -- have begun.
  local freed_bytes, freed_load, forgotten, past_hours = 0, 0, nil, nil
  if adds_up then
    forgotten = {}
    freed_bytes, past_hours = usage_due(held, this_hour)
    for _, name in ipairs(redis.call('ZRANGEBYSCORE', owned, '-inf', now, 'LIMIT', 0, 100)) do
      if name ~= id then
        local its_bytes, its_load = string.match(
          redis.call('HGET', held, name) or '', '^(%d+) (%d+)$')
        freed_bytes = freed_bytes + (tonumber(its_bytes) or 0)
        freed_load = freed_load + (tonumber(its_load) or 0)
        forgotten[#forgotten + 1] = name
      end
    end
  end

  -- Refuse only changes that add to the usage. A session can always be ended or deleted.
  if not is_over and ARGV[of_owner + 3] ~= '' and written > tonumber(ARGV[of_owner + 3]) then
    return {'full', 'written'}
  end
  if not is_over and adds_up then
    local most_sessions, most_bytes, most_load = unpack(ARGV, of_owner, of_owner + 2)
    if expected == '' and most_sessions ~= ''
        and redis.call('ZCOUNT', owned, '(' .. now, '+inf') >= tonumber(most_sessions) then
      return {'full', 'sessions'}
    end
    local more_bytes, more_load = bytes - was_bytes + answer_bytes, load - was_load
    local function is_over_bytes()
      local total = tonumber(redis.call('HGET', held, '#bytes')) or 0
      return total - freed_bytes + more_bytes > tonumber(most_bytes)
    end
    local function is_over_load()
      local total = tonumber(redis.call('HGET', held, '#load')) or 0
      return total - freed_load + more_load > tonumber(most_load)
    end
    local bounds_bytes = most_bytes ~= '' and more_bytes > 0
    local bounds_load = most_load ~= '' and more_load > 0
    if (bounds_bytes and is_over_bytes()) or (bounds_load and is_over_load()) then
      -- Before refusing, subtract sessions that aren't among the live ones any more: version 2.0.0
      -- counted no bytes, and left them here when it ended a session.
      local all = redis.call('HGETALL', held)
      for i = 1, #all, 2 do
        local its_bytes, its_load = string.match(all[i + 1], '^(%d+) (%d+)$')
        if its_bytes and all[i] ~= id and not redis.call('ZSCORE', owned, all[i]) then
          freed_bytes, freed_load = freed_bytes + its_bytes, freed_load + its_load
          forgotten[#forgotten + 1] = all[i]
        end
      end
    end
    if bounds_bytes and is_over_bytes() then
      return {'full', 'bytes'}
    end
    if bounds_load and is_over_load() then
      return {'full', 'load'}
    end
  end

  -- The first write of a session with an owner: see MEMORY above.
  if is_over then
    redis.call('ZREM', owned, id)
  end
  redis.call('HSET', held, '#minute', this_minute, '#written', written)
  if not is_over then
    redis.call('ZADD', owned, now + retention, id)
  end
  if adds_up then
    local function give_back_in(ms, amount)
      redis.call('HINCRBY', held, usage_due_in(now + ms), amount)
    end
    local later = 0
    if is_over then
      redis.call('HDEL', held, id)
      later = state == '' and TOMBSTONE or was_bytes
      give_back_in(tonumber(retention), later)
    else
      redis.call('HSET', held, id, string.format('%.0f %.0f', bytes, load))
    end
    if answer then
      give_back_in(tonumber(ARGV[12]), answer_bytes)
    end
    for _, name in ipairs(forgotten) do
      redis.call('ZREM', owned, name)
      redis.call('HDEL', held, name)
    end
    if #past_hours > 0 then
      redis.call('HDEL', held, unpack(past_hours))
    end
    redis.call('HSET', held, '#swept', this_hour)
    redis.call('HINCRBY', held, '#bytes',
      bytes - was_bytes + later + answer_bytes - freed_bytes)
    redis.call('HINCRBY', held, '#load', load - was_load - freed_load)
  end
  if redis.call('PTTL', held) < tonumber(retention) + USAGE_DAY then
    redis.call('PEXPIRE', held, retention + 2 * USAGE_DAY)
    redis.call('PEXPIRE', owned, retention + 2 * USAGE_DAY)
  end
end

-- The first write of a session without an owner: see MEMORY above.
if is_over and expected ~= '' then
  redis.call('HDEL', session, 'state')
end
-- Keep eight operation ids. No caller repeats a commit after that many others.
local recent = operation .. ' ' .. string.sub(operations, 1, 8 * (#operation + 1) - 1)
if state == '' then
  -- The rest of the hash shows that the session existed: its id can't be used again, and a recovery
  -- doesn't restore it.
  redis.call('HSET', session, 'operations', recent)
else
  redis.call('HSET', session, 'operations', recent, 'state', state)
end
for i = first_field, first_removed - 1, 2 do
  redis.call('HSET', session, ARGV[i], ARGV[i + 1])
end
for i = first_removed, first_push - 1 do
  redis.call('HDEL', session, ARGV[i])
end
redis.call('PEXPIRE', session, retention)
if is_over then
  redis.call('ZREM', deadlines, id)
else
  redis.call('ZADD', deadlines, wake_at, id)
  if publishes and redis.call('ZRANGE', deadlines, 0, 0)[1] == id then
    redis.call('PUBLISH', wake_channel, wake_at)
  end
end

if tests then
  redis.call('ZREMRANGEBYSCORE', tests, '-inf', now)
  if is_over then
    redis.call('ZREM', tests, id)
  else
    redis.call('ZADD', tests, now + retention, id)
    if redis.call('PTTL', tests) < tonumber(retention) then
      redis.call('PEXPIRE', tests, retention)
    end
  end
end

-- Update the lists. The expiry in a list is never earlier than that of the session, so that a
-- member whose expiry has passed can be removed without looking at its session. The keys live up to
-- an hour longer than their members, so that most creations needn't renew their expiry. The key of
-- the expiries lives at least as long as the others, whose members could not be removed without it.
local SLACK = 3600000
for i = first_list, last_list, 3 do
  local live, ended, expiry = KEYS[i], KEYS[i + 1], KEYS[i + 2]
  local gone = redis.call('ZRANGEBYSCORE', expiry, '-inf', now, 'LIMIT', 0, 100)
  if state == '' then
    gone[#gone + 1] = member
  end
  if #gone > 0 then
    redis.call('ZREM', live, unpack(gone))
    redis.call('ZREM', ended, unpack(gone))
    redis.call('ZREM', expiry, unpack(gone))
  end
  if state ~= '' then
    local present, past = live, ended
    if is_over then
      present, past = ended, live
    end
    if expected ~= '' then
      redis.call('ZREM', past, member)
    end
    redis.call('ZADD', present, 0, member)
    redis.call('ZADD', expiry, listed_until, member)
    local least = listed_until - now
    local renewed = string.format('%.0f', least + SLACK)
    if redis.call('PTTL', present) < least then
      redis.call('PEXPIRE', present, renewed)
      least = least + SLACK
    end
    if redis.call('PTTL', expiry) < least then
      redis.call('PEXPIRE', expiry, renewed)
    end
  end
end

-- Set the alarm, unless an earlier or equal one is set that is still to go off.
local sets_alarm = 0
if alarm_at ~= '' then
  local set_for = tonumber(redis.call('HGET', session, 'alarm') or '')
  if not set_for or set_for <= tonumber(now) or tonumber(alarm_at) < set_for then
    redis.call('HSET', session, 'alarm', alarm_at)
    sets_alarm = 1
  end
end

local entry_id = ''
for i = first_entry, of_owner - 1 do
  entry_id = redis.call('XADD', outbox, '*', 'entry', ARGV[i])
end
local was_empty, entries = 0, of_owner - first_entry
if entries > 0 and redis.call('XLEN', outbox) == entries then
  was_empty = 1
  if publishes then
    redis.call('PUBLISH', outbox_channel, '')
  end
end

if answer then
  local kept = ARGV[11] ~= '' and '\n' .. state or ''
  redis.call('SET', answer, entry_id .. '\n' .. ARGV[10] .. kept, 'PX', ARGV[12])
end

for i = first_push, #ARGV do
  redis.call('PUBLISH', push_channel, ARGV[i])
end
return {'done', was_empty, sets_alarm}

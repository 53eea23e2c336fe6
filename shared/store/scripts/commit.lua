-- One accepted change, whole or not at all: the session, its wake-up, its audit entries, the
-- record of its answer, what its owner holds, and the pushes.
--
-- MEMORY. A Redis over its maxmemory judges a script at its first write: if that command may need
-- memory (SET, HSET, ZADD, XADD ...), the script is refused; if not (DEL, HDEL, ZREM, XACK ...), it
-- and every write behind it are allowed. So the first write of each script of ours decides:
--   * a script that frees memory, or keeps a due event from being forgotten, begins with a write
--     that needs none;
--   * every other script begins with a write that may need memory, so that a full Redis refuses it
--     before it has changed anything.
-- Here a change that ends or deletes a session frees memory: it is kept for a day from then on.
--
-- KEYS  session, deadlines, outbox, push channel, wake channel, outbox channel [, recorded answer]
--       [, its owner's live sessions, what that owner holds]
-- ARGV  session id, expected revision ('' = none), operation id, state ('' = remove),
--       retention ms, wake-up ms ('' = none), now ms, alarm ms ('' = none), publish? ('' = no),
--       answer ('' = none), keep the state with the answer? ('' = no), answer ttl ms,
--       number of audit entries, the entries ...
--       [, with an owner: most sessions, most bytes, most load, most bytes written in a minute
--       ('' = any), load of this session],
--       the pushes ...
-- Returns {'done', outbox was empty?, alarm to be set?}, {'answered', record},
-- {'superseded', revision, state}, or {'full', 'sessions', 'bytes', 'load' or 'written'} where the
-- owner would hold, or would have written, more than it may.

local session, deadlines, outbox = KEYS[1], KEYS[2], KEYS[3]
local push_channel, wake_channel, outbox_channel = KEYS[4], KEYS[5], KEYS[6]
local id, expected, operation, state = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local retention, wake_at, now, alarm_at = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local publishes = ARGV[9] ~= ''
local answer = ARGV[10] ~= '' and KEYS[7]
local entries = tonumber(ARGV[13])
local owned, held = KEYS[answer and 8 or 7], KEYS[answer and 9 or 8]
local first_push = 14 + entries + (owned and 5 or 0)
local is_over = state == '' or wake_at == ''
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

-- What an owner holds, in bytes: what is kept, and about what Redis needs around it. Sizes of
-- sessions are rounded up, so that most changes of a session change nothing here.
if owned then
  local HOUR, DAY, BLOCK = 3600000, 86400000, 256
  local AROUND_SESSION, AROUND_ANSWER, TOMBSTONE = 1024, 256, 256
  local this_hour, this_minute = math.floor(now / HOUR), math.floor(now / 60000)
  local counted = redis.call('HMGET', held, id, '#minute', '#written')
  local was_bytes, was_load = string.match(counted[1] or '', '^(%d+) (%d+)$')
  was_bytes, was_load = tonumber(was_bytes) or 0, tonumber(was_load) or 0

  local bytes, load, answer_bytes, written = 0, 0, 0, #state
  if not is_over then
    bytes = AROUND_SESSION + BLOCK * math.ceil(#state / BLOCK)
    load = tonumber(ARGV[18 + entries])
  end
  if answer then
    answer_bytes = AROUND_ANSWER + #ARGV[10] + (ARGV[11] ~= '' and #state or 0)
  end
  for i = 14, 13 + entries do
    written = written + #ARGV[i]
  end
  if tonumber(counted[2]) == this_minute then
    written = written + tonumber(counted[3])
  end

  local adds_up = is_over or answer or expected == '' or bytes ~= was_bytes or load ~= was_load

  -- Read what the owner holds no more: sessions that are forgotten by now, and what was to be given
  -- back at an hour that has begun.
  local freed_bytes, freed_load, forgotten, past_hours = 0, 0, nil, nil
  if adds_up then
    forgotten, past_hours = {}, {}
    for _, name in ipairs(redis.call('ZRANGEBYSCORE', owned, '-inf', now, 'LIMIT', 0, 100)) do
      if name ~= id then
        local its_bytes, its_load = string.match(
          redis.call('HGET', held, name) or '', '^(%d+) (%d+)$')
        freed_bytes = freed_bytes + (tonumber(its_bytes) or 0)
        freed_load = freed_load + (tonumber(its_load) or 0)
        forgotten[#forgotten + 1] = name
      end
    end
    local swept = tonumber(redis.call('HGET', held, '#swept')) or this_hour
    -- Nothing is given back later than 26 hours after it was counted.
    for hour = swept + 1, math.min(this_hour, swept + 27) do
      local field = string.format('#%.0f', hour)
      local due = redis.call('HGET', held, field)
      if due then
        freed_bytes = freed_bytes + tonumber(due)
        past_hours[#past_hours + 1] = field
      end
    end
  end

  -- Only what adds to what an owner holds is refused; a session can always be ended or deleted.
  if not is_over and ARGV[17 + entries] ~= '' and written > tonumber(ARGV[17 + entries]) then
    return {'full', 'written'}
  end
  if not is_over and adds_up then
    local most_sessions, most_bytes, most_load = unpack(ARGV, 14 + entries, 16 + entries)
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
      -- Before anything is refused: sessions that version 2.0.0, which counted no bytes, has ended
      -- are still counted here, but no longer among the live ones.
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
      local field = string.format('#%.0f', math.floor((now + ms) / HOUR) + 1)
      redis.call('HINCRBY', held, field, amount)
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
  if redis.call('PTTL', held) < tonumber(retention) + DAY then
    redis.call('PEXPIRE', held, retention + 2 * DAY)
    redis.call('PEXPIRE', owned, retention + 2 * DAY)
  end
end

-- The first write of a session without an owner: see MEMORY above.
if is_over and expected ~= '' then
  redis.call('HDEL', session, 'state')
end
-- Eight operations back: a try that is repeated that late has long been given up.
local recent = operation .. ' ' .. string.sub(operations, 1, 8 * (#operation + 1) - 1)
if state == '' then
  -- What stays says that there was one: an id is never used twice, a deleted session not restored.
  redis.call('HSET', session, 'operations', recent)
else
  redis.call('HSET', session, 'operations', recent, 'state', state)
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

-- An alarm that is set for later, or has gone off, is of no use.
local sets_alarm = 0
if alarm_at ~= '' then
  local set_for = tonumber(redis.call('HGET', session, 'alarm') or '')
  if not set_for or set_for <= tonumber(now) or tonumber(alarm_at) < set_for then
    redis.call('HSET', session, 'alarm', alarm_at)
    sets_alarm = 1
  end
end

local entry_id = ''
for i = 14, 13 + entries do
  entry_id = redis.call('XADD', outbox, '*', 'entry', ARGV[i])
end
local was_empty = 0
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

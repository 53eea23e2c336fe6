-- Take the oldest audit entries for one worker, and take or renew its lease on this outbox.
--
-- The lease keeps the order: one worker at a time. Entries that a worker took and didn't settle
-- come first, because they are older than all entries that were never taken. If that worker is
-- still running, both write the same entries, and the database stores them once.
--
-- The first write is a DEL, which a full Redis allows: see commit.lua.
--
-- KEYS  lease, outbox [, ids of all webhooks]
-- ARGV  worker, lease ms, group, most entries, most bytes (a single larger entry is still taken),
--       first id of the entries that were taken before
-- Returns {{stream id, fields}, ...}, which is empty while another worker holds the lease; nil if
-- the group doesn't exist, because there is no webhook.

local drainer, outbox, webhook_ids = KEYS[1], KEYS[2], KEYS[3]
local worker, lease, group = ARGV[1], ARGV[2], ARGV[3]
local most_entries, most_bytes, from = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]

-- One name for all workers: the lease lets one work at a time, and Redis never forgets a name.
local consumer = 'worker'

if webhook_ids then
  local reads = false
  for _, fields in ipairs(redis.pcall('XINFO', 'GROUPS', outbox)) do
    reads = reads or fields[2] == group
  end
  if not reads then
    return false
  end
end

local holder = redis.call('GET', drainer)
if holder and holder ~= worker then
  return {}
end
redis.call('DEL', drainer)
redis.call('SET', drainer, worker, 'PX', lease)

if not webhook_ids then
  -- Fails harmlessly if the group exists already.
  redis.pcall('XGROUP', 'CREATE', outbox, group, '0', 'MKSTREAM')
end

-- Remove the names that workers of earlier releases have left.
if not holder then
  for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', outbox, group)) do
    if fields[2] ~= consumer and fields[4] == 0 then
      redis.call('XGROUP', 'DELCONSUMER', outbox, group, fields[2])
    end
  end
end

local taken, bytes, is_full = {}, 0, false

-- Number of entries to read next: a few at first, then as many as fit at the same average size.
local function next_count()
  local left = most_entries - #taken
  if #taken == 0 then
    return math.min(left, 8)
  end
  local fits = math.floor((most_bytes - bytes) * #taken / math.max(bytes, 1))
  return math.max(1, math.min(left, fits))
end

-- Entries that don't fit stay pending for this worker, and are taken next time.
local function add(entries)
  for _, entry in ipairs(entries) do
    if entry and entry[2] then
      local size = 0
      for _, part in ipairs(entry[2]) do
        size = size + #part
      end
      if #taken > 0 and bytes + size > most_bytes then
        is_full = true
        return
      end
      taken[#taken + 1], bytes = entry, bytes + size
    end
  end
  is_full = #taken >= most_entries or bytes >= most_bytes
end

repeat
  local claimed = redis.call(
    'XAUTOCLAIM', outbox, group, consumer, 0, from, 'COUNT', next_count())
  from = claimed[1]
  add(claimed[2])
until is_full or from == '0-0'

while not is_full do
  local read = redis.call(
    'XREADGROUP', 'GROUP', group, consumer, 'COUNT', next_count(), 'STREAMS', outbox, '>')
  if not read then
    break
  end
  add(read[1][2])
end

-- The last webhook was removed, and all entries are read.
if webhook_ids and #taken == 0 and redis.call('EXISTS', webhook_ids) == 0 then
  redis.call('XGROUP', 'DESTROY', outbox, group)
  return false
end
return taken

-- Take the oldest audit entries for one worker, and take or renew its lease on this outbox.
--
-- The lease keeps the order: one worker at a time. Entries that a worker took and didn't settle
-- come first, because they are older than all entries that were never taken. If that worker is
-- still running, both write the same entries, and the database stores them once.
--
-- The first write is a DEL, which a full Redis allows: see commit.lua.
--
-- KEYS  lease, outbox
-- ARGV  worker, lease ms, group, most entries, most bytes (a single larger entry is still taken),
--       first id of the entries that were taken before
-- Returns {{stream id, fields}, ...}, which is empty while another worker holds the lease.

local drainer, outbox = KEYS[1], KEYS[2]
local worker, lease, group = ARGV[1], ARGV[2], ARGV[3]
local most_entries, most_bytes, from = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]

local holder = redis.call('GET', drainer)
if holder and holder ~= worker then
  return {}
end
redis.call('DEL', drainer)
redis.call('SET', drainer, worker, 'PX', lease)

-- Fails harmlessly if the group exists already.
redis.pcall('XGROUP', 'CREATE', outbox, group, '0', 'MKSTREAM')

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
    'XAUTOCLAIM', outbox, group, worker, 0, from, 'COUNT', next_count())
  from = claimed[1]
  add(claimed[2])
until is_full or from == '0-0'

while not is_full do
  local read = redis.call(
    'XREADGROUP', 'GROUP', group, worker, 'COUNT', next_count(), 'STREAMS', outbox, '>')
  if not read then
    break
  end
  add(read[1][2])
end
return taken

-- Take the oldest audit entries, as the one worker that empties this outbox.
--
-- One worker at a time keeps the order. Entries that a worker took and didn't settle come first:
-- they are older than all entries that were never taken. If that worker still lives, both write
-- the same entries, which the database takes once.
--
-- The first write is a DEL, which a Redis without memory allows: see commit.lua.
--
-- KEYS  drainer, outbox
-- ARGV  worker, lease ms, group, most entries, most bytes (one larger entry is still taken),
--       first id to take of those taken before
-- Returns {{stream id, fields}, ...}; nothing while another worker holds the lease.

local drainer, outbox = KEYS[1], KEYS[2]
local worker, lease, group = ARGV[1], ARGV[2], ARGV[3]
local most_entries, most_bytes, from = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]

local holder = redis.call('GET', drainer)
if holder and holder ~= worker then
  return {}
end
redis.call('DEL', drainer)
redis.call('SET', drainer, worker, 'PX', lease)

-- Fails if the group exists already, which does no harm.
redis.pcall('XGROUP', 'CREATE', outbox, group, '0', 'MKSTREAM')

local taken, bytes, is_full = {}, 0, false

-- How many to read next: a few at first, then as many as fit if they are like those before.
local function next_count()
  local left = most_entries - #taken
  if #taken == 0 then
    return math.min(left, 8)
  end
  local fits = math.floor((most_bytes - bytes) * #taken / math.max(bytes, 1))
  return math.max(1, math.min(left, fits))
end

-- What was read and doesn't fit stays this worker's own, and is taken next time.
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

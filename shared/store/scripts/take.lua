-- Take the oldest audit entries, as the one worker that empties this outbox.
--
-- One worker at a time keeps the order. Entries that a worker took and didn't settle come first:
-- they are older than all entries that were never taken. If that worker still lives, both write
-- the same entries, which the database takes once.
--
-- The first write is a DEL, which a Redis without memory allows: see commit.lua.
--
-- KEYS  drainer, outbox
-- ARGV  worker, lease ms, group, most entries, most bytes (the first entry is taken whatever its
--       size)
-- Returns {{stream id, fields}, ...}; nothing while another worker holds the lease.

-- Entries are read in small pages, so that no more than a page is read beyond the most bytes.
local PAGE = 8

local drainer, outbox = KEYS[1], KEYS[2]
local worker, lease, group = ARGV[1], ARGV[2], ARGV[3]
local most_entries, most_bytes = tonumber(ARGV[4]), tonumber(ARGV[5])

local holder = redis.call('GET', drainer)
if holder and holder ~= worker then
  return {}
end
redis.call('DEL', drainer)
redis.call('SET', drainer, worker, 'PX', lease)

-- Fails if the group exists already, which does no harm.
redis.pcall('XGROUP', 'CREATE', outbox, group, '0', 'MKSTREAM')

local taken, bytes, is_full = {}, 0, false

-- What doesn't fit stays pending for this worker, so the next call takes it first.
local function keep(page)
  for _, entry in ipairs(page) do
    local fields = entry and entry[2]
    if fields then
      for _, field in ipairs(fields) do
        bytes = bytes + #field
      end
      is_full = is_full or (#taken > 0 and bytes > most_bytes)
      if not is_full then
        taken[#taken + 1] = entry
      end
    end
  end
  is_full = is_full or #taken >= most_entries or bytes >= most_bytes
end

local function page_size()
  return math.min(PAGE, most_entries - #taken)
end

local cursor = '0-0'
repeat
  local claimed = redis.call(
    'XAUTOCLAIM', outbox, group, worker, 0, cursor, 'COUNT', page_size())
  cursor = claimed[1]
  keep(claimed[2])
until is_full or cursor == '0-0'

while not is_full do
  local read = redis.call(
    'XREADGROUP', 'GROUP', group, worker, 'COUNT', page_size(), 'STREAMS', outbox, '>')
  if not read then
    break
  end
  keep(read[1][2])
end
return taken

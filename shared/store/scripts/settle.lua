-- Acknowledge audit entries for a group of workers. They are removed when the other group, if there
-- is one, has acknowledged them too. An entry that can't be written also goes to the dead letters.
--
-- A full Redis allows all writes, because an XACK is the first: see commit.lua.
--
-- KEYS  outbox [, dead letters]
-- ARGV  group, other group ('' = none), '1' if nothing waits for the other group while it doesn't
--       exist, then the stream ids ...; with dead letters: one stream id, entry, reason

local outbox, dead_letters = KEYS[1], KEYS[2]
local group, other, is_optional = ARGV[1], ARGV[2], ARGV[3] == '1'
local ids = dead_letters and {ARGV[4]} or {unpack(ARGV, 4)}

-- The last id that the other group has read, as ms and sequence number; nothing if it doesn't exist.
local function last_read()
  local groups = redis.pcall('XINFO', 'GROUPS', outbox)
  for _, fields in ipairs(groups) do
    local found = {}
    for i = 1, #fields, 2 do
      found[fields[i]] = fields[i + 1]
    end
    if found['name'] == other then
      return string.match(found['last-delivered-id'], '^(%d+)-(%d+)$')
    end
  end
end

local last_ms, last_number
if other ~= '' then
  last_ms, last_number = last_read()
  last_ms, last_number = tonumber(last_ms), tonumber(last_number)
end

local function is_done_elsewhere(id)
  if other == '' then
    return true
  end
  if not last_ms then
    return is_optional
  end
  local ms, number = string.match(id, '^(%d+)-(%d+)$')
  ms, number = tonumber(ms), tonumber(number)
  if ms > last_ms or (ms == last_ms and number > last_number) then
    return false
  end
  return #redis.call('XPENDING', outbox, other, id, id, 1) == 0
end

local acknowledged = redis.call('XACK', outbox, group, unpack(ids))
local removable = {}
for _, id in ipairs(ids) do
  if is_done_elsewhere(id) then
    removable[#removable + 1] = id
  end
end
if #removable > 0 then
  redis.call('XDEL', outbox, unpack(removable))
end
-- If it was acknowledged before, it was settled or moved before, so don't move it twice.
if dead_letters and acknowledged == 1 then
  redis.call('XADD', dead_letters, '*', 'id', ids[1], 'entry', ARGV[5], 'reason', ARGV[6])
end

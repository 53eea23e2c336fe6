-- Move an audit entry that can't be written to the dead letters, with the reason.
--
-- The first write is an XACK, which a full Redis allows: see commit.lua.
--
-- KEYS  outbox, dead letters
-- ARGV  group, stream id, entry, reason

local outbox, dead_letters = KEYS[1], KEYS[2]
local group, id, entry, reason = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

redis.call('XACK', outbox, group, id)
-- If the entry is gone, it was settled or parked before, so don't park it twice.
if redis.call('XDEL', outbox, id) == 1 then
  redis.call('XADD', dead_letters, '*', 'id', id, 'entry', entry, 'reason', reason)
end

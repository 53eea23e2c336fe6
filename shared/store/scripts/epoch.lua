-- Return the name of a shard's epoch, the time since its last data loss.
--
-- Older releases wrote the marker '1', without a name; it is replaced by a name here.
--
-- KEYS  epoch marker
-- ARGV  a new name
-- Returns the name, or nil if the shard has lost its data.

local epoch = redis.call('GET', KEYS[1])
if epoch == '1' then
  redis.call('SET', KEYS[1], ARGV[1])
  return ARGV[1]
end
return epoch

-- Name the time since which a shard has lost nothing.
--
-- The marker of an older release says only that nothing was lost; it is given a name here.
--
-- KEYS  whole
-- ARGV  a new name
-- Answers the name; nothing where the shard has lost its memory.

local epoch = redis.call('GET', KEYS[1])
if epoch == '1' then
  redis.call('SET', KEYS[1], ARGV[1])
  return ARGV[1]
end
return epoch

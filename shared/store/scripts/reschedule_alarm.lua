-- Record the instant of a new alarm, unless another alarm was set meanwhile.
--
-- The first write is an HDEL, which a full Redis allows, so that alarms still work there: see
-- commit.lua. The new value takes no more memory than the old one.
--
-- KEYS  session
-- ARGV  instant of the alarm that went off (ms), instant of the new alarm (ms)

local set_for = redis.call('HGET', KEYS[1], 'alarm')
if set_for and tonumber(set_for) <= tonumber(ARGV[1]) then
  redis.call('HDEL', KEYS[1], 'alarm')
  redis.call('HSET', KEYS[1], 'alarm', ARGV[2])
end

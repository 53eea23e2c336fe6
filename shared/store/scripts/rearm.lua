-- Note that an alarm was set for another instant, unless one that matters was set meanwhile.
--
-- The first write is an HDEL, which a Redis without memory allows, so that alarms go on there: see
-- commit.lua. The new value takes no more room than the old one.
--
-- KEYS  session
-- ARGV  the instant of the alarm that went off (ms), that of the new one (ms)

local set_for = redis.call('HGET', KEYS[1], 'alarm')
if set_for and tonumber(set_for) <= tonumber(ARGV[1]) then
  redis.call('HDEL', KEYS[1], 'alarm')
  redis.call('HSET', KEYS[1], 'alarm', ARGV[2])
end

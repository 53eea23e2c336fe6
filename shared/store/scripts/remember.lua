-- Keep a record under a name, unless there is one already, and answer what is kept.
--
-- KEYS  record
-- ARGV  value, time to live ms
-- Answers the record that stands: the first one.

local kept = redis.call('GET', KEYS[1])
if kept then
  return kept
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]

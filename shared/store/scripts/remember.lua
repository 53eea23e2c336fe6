-- Store a record, unless there is one already.
--
-- KEYS  record
-- ARGV  value, time to live ms
-- Returns the stored record, which is the first one.

local kept = redis.call('GET', KEYS[1])
if kept then
  return kept
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]

-- Store a record, unless there is one already, and count it among the owner's bytes until it
-- expires.
--
-- require: usage
--
-- KEYS  record [, the owner's usage]
-- ARGV  value, time to live ms [, most bytes of the owner ('' = any)]
-- Returns the stored record, which is the first one; nil if the owner would have too many bytes.

local AROUND_RECORD = 256

local kept = redis.call('GET', KEYS[1])
if kept then
  return kept
end
local held, bytes = KEYS[2], AROUND_RECORD + #ARGV[1]
if held and not count_bytes(held, bytes, usage_now() + ARGV[2], ARGV[3]) then
  return false
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]

-- Store a record, unless there is one already, and count it among the owner's bytes for as long.
--
-- The usage is that of commit.lua, which explains its fields: bytes are given back in the hour
-- after the record has expired.
--
-- KEYS  record [, the owner's usage]
-- ARGV  value, time to live ms [, most bytes of the owner ('' = any)]
-- Returns the stored record, which is the first one; nil if the owner would have too many bytes.

local kept = redis.call('GET', KEYS[1])
if kept then
  return kept
end

local held = KEYS[2]
if held then
  local HOUR, DAY, AROUND_RECORD = 3600000, 86400000, 256
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local this_hour, bytes = math.floor(now / HOUR), AROUND_RECORD + #ARGV[1]
  local swept = tonumber(redis.call('HGET', held, '#swept')) or this_hour
  local freed, past_hours = 0, {}
  for hour = swept + 1, math.min(this_hour, swept + 27) do
    local field = string.format('#%.0f', hour)
    local due = redis.call('HGET', held, field)
    if due then
      freed = freed + tonumber(due)
      past_hours[#past_hours + 1] = field
    end
  end
  local total = (tonumber(redis.call('HGET', held, '#bytes')) or 0) - freed + bytes
  if ARGV[3] ~= '' and total > tonumber(ARGV[3]) then
    return false
  end
  redis.call('HSET', held, '#swept', this_hour, '#bytes', string.format('%.0f', total))
  local due_in = string.format('#%.0f', math.floor((now + ARGV[2]) / HOUR) + 1)
  redis.call('HINCRBY', held, due_in, bytes)
  if #past_hours > 0 then
    redis.call('HDEL', held, unpack(past_hours))
  end
  if redis.call('PTTL', held) < 2 * DAY then
    redis.call('PEXPIRE', held, 2 * DAY)
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]

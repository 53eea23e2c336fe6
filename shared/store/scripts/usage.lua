-- Functions for scripts that count or free bytes of an owner (`-- require: usage`).
--
-- The usage is that of commit.lua, which explains its fields. Bytes are given back in the hour after
-- the data has expired. Lines have no comments at their ends, because they become one line.

local USAGE_HOUR, USAGE_DAY = 3600000, 86400000

local function usage_due_in(ends_at)
  return string.format('#%.0f', math.floor(ends_at / USAGE_HOUR) + 1)
end

local function usage_now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The bytes that are due to be freed in hours that have begun, and the fields that have them. No
-- amount is due later than 26 hours after it was counted.
local function usage_due(held, this_hour)
  local swept = tonumber(redis.call('HGET', held, '#swept')) or this_hour
  local bytes, fields = 0, {}
  for hour = swept + 1, math.min(this_hour, swept + 27) do
    local field = string.format('#%.0f', hour)
    local due = redis.call('HGET', held, field)
    if due then
      bytes = bytes + tonumber(due)
      fields[#fields + 1] = field
    end
  end
  return bytes, fields
end

-- Bytes that a field of a hash takes, with an estimate of Redis's overhead.
local function bytes_of_field(name, value)
  return 96 + #name + #value
end

-- Count bytes that are kept until an instant (ms since 1970), which is at most 24 hours from now;
-- false if the owner would have more than `most` ('' = any). Nothing is written then.
local function count_bytes(held, bytes, ends_at, most)
  local this_hour = math.floor(usage_now() / USAGE_HOUR)
  local freed, past_hours = usage_due(held, this_hour)
  local total = (tonumber(redis.call('HGET', held, '#bytes')) or 0) - freed + bytes
  if most ~= '' and total > tonumber(most) then
    return false
  end
  redis.call('HSET', held, '#swept', this_hour, '#bytes', string.format('%.0f', total))
  redis.call('HINCRBY', held, usage_due_in(ends_at), bytes)
  if #past_hours > 0 then
    redis.call('HDEL', held, unpack(past_hours))
  end
  if redis.call('PTTL', held) < 2 * USAGE_DAY then
    redis.call('PEXPIRE', held, 2 * USAGE_DAY)
  end
  return true
end

-- Subtract bytes that were counted until that instant, unless they were given back since.
local function uncount_bytes(held, bytes, ends_at)
  local due = usage_due_in(ends_at)
  if redis.call('HEXISTS', held, due) == 1 then
    redis.call('HINCRBY', held, due, -bytes)
    redis.call('HINCRBY', held, '#bytes', -bytes)
  end
end

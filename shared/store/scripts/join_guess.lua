-- Look for an open join code, unless too many were wrong lately, and count a wrong one.
--
-- Each counter is a fixed window, which begins with the first wrong code. While one is full, right
-- codes are refused, too: otherwise guessing could go on.
--
-- It begins with a write that changes nothing. A Redis that can't count, such as a replica, thereby
-- refuses right and wrong codes alike. A full Redis counts, because this write needs no memory: see
-- commit.lua.
--
-- KEYS  code, counter of the address, counter of all addresses
-- ARGV  most wrong codes of the address, most of all addresses, window ms
-- Returns {wait ms}, {} for a wrong code, or {0, fields of the code}.

local window = tonumber(ARGV[3])
redis.call('HDEL', KEYS[1], '')
for i = 1, 2 do
  if tonumber(redis.call('GET', KEYS[i + 1]) or 0) >= tonumber(ARGV[i]) then
    return {math.max(1, redis.call('PTTL', KEYS[i + 1]))}
  end
end

local fields = redis.call('HGETALL', KEYS[1])
if #fields > 0 then
  return {0, fields}
end
for i = 2, 3 do
  if redis.call('INCR', KEYS[i]) == 1 then
    redis.call('PEXPIRE', KEYS[i], window)
  end
end
return {}

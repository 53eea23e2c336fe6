-- Move wake-ups that still stand where the caller saw them, and say which ones moved.
-- Owed pushes are moved the same way, by scores of their own.
--
-- The first write is a ZREM, which a Redis without memory allows, so that due events are still
-- claimed and dropped there: see commit.lua. What is moved takes no more room than before.
--
-- KEYS  deadlines
-- ARGV  for each: session id, the instant seen (ms), the new instant (ms, '' = drop it)

local moved = {}
for i = 1, #ARGV, 3 do
  local id, seen, new = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local stands = redis.call('ZSCORE', KEYS[1], id)
  if stands and tonumber(stands) == tonumber(seen) then
    redis.call('ZREM', KEYS[1], id)
    if new ~= '' then
      redis.call('ZADD', KEYS[1], new, id)
    end
    moved[#moved + 1] = id
  end
end
return moved

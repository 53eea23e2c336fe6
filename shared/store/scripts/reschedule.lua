-- Move wake-ups whose score is still the one that the caller read. Also used for pending pushes, whose
-- scores have another form.
--
-- The first write is a ZREM, which a full Redis allows, so that due events can still be claimed and
-- dropped there: see commit.lua. A moved member takes no more memory than before.
--
-- KEYS  sorted set
-- ARGV  for each: session name, score that the caller read, new score ('' = remove it)
-- Returns the names of the moved and removed members.

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

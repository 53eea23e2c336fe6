-- Read a page of waiting audit entries, oldest first, without claiming them.
--
-- KEYS  outbox
-- ARGV  first id, most entries, most bytes (a single larger entry is still returned)
-- Returns {1 = there may be more, {{stream id, fields}, ...}}.

local outbox, from = KEYS[1], ARGV[1]
local most_entries, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local page, bytes = {}, 0

while #page < most_entries do
  local read = redis.call('XRANGE', outbox, from, '+', 'COUNT', math.min(8, most_entries - #page))
  for _, entry in ipairs(read) do
    for _, part in ipairs(entry[2]) do
      bytes = bytes + #part
    end
    if #page > 0 and bytes > most_bytes then
      return {1, page}
    end
    page[#page + 1] = entry
    from = '(' .. entry[1]
  end
  if #read == 0 then
    return {0, page}
  end
end
return {1, page}

-- Take the oldest audit entries, as the one worker that empties this outbox.
--
-- One at a time keeps the order. What another worker took and didn't settle comes first, for it is
-- older than everything that nobody took; should that worker still live, both write the same.
--
-- KEYS  drainer, outbox
-- ARGV  worker, lease ms, group, how many at most
-- Answers {{stream id, fields}, ...}; nothing while another worker holds the lease.

local drainer, outbox = KEYS[1], KEYS[2]
local worker, lease, group, limit = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local holder = redis.call('GET', drainer)
if holder and holder ~= worker then
  return {}
end
redis.call('SET', drainer, worker, 'PX', lease)

-- Fails when the group is there, which is all that is wanted.
redis.pcall('XGROUP', 'CREATE', outbox, group, '0', 'MKSTREAM')

local taken = {}
local claimed = redis.call('XAUTOCLAIM', outbox, group, worker, 0, '0-0', 'COUNT', limit)
for _, entry in ipairs(claimed[2]) do
  if entry and entry[2] then
    taken[#taken + 1] = entry
  end
end
if #taken == 0 then
  local read = redis.call(
    'XREADGROUP', 'GROUP', group, worker, 'COUNT', limit, 'STREAMS', outbox, '>')
  if read then
    taken = read[1][2]
  end
end
return taken

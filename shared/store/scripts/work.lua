-- Count what waits for the functions that run every minute, in one command.
--
-- KEYS  marker of complete data, deadlines, outbox, pending pushes, webhooks due
-- ARGV  group of the workers of webhooks
-- Returns {1 if the data is complete, else 0; deadlines; entries in the outbox; pending pushes;
-- webhooks with messages that wait; 1 if the workers of webhooks read the outbox, else 0}

local is_read = 0
for _, fields in ipairs(redis.pcall('XINFO', 'GROUPS', KEYS[3])) do
  if fields[2] == ARGV[1] then
    is_read = 1
  end
end

return {
  redis.call('EXISTS', KEYS[1]),
  redis.call('ZCARD', KEYS[2]),
  redis.call('XLEN', KEYS[3]),
  redis.call('ZCARD', KEYS[4]),
  redis.call('ZCARD', KEYS[5]),
  is_read,
}

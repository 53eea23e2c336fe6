-- Count what waits for the functions that run every minute, in one command.
--
-- KEYS  marker of complete data, deadlines, outbox, pending pushes, webhooks due
-- Returns {1 if the data is complete, else 0; deadlines; entries in the outbox; pending pushes;
-- webhooks with messages that wait}

return {
  redis.call('EXISTS', KEYS[1]),
  redis.call('ZCARD', KEYS[2]),
  redis.call('XLEN', KEYS[3]),
  redis.call('ZCARD', KEYS[4]),
  redis.call('ZCARD', KEYS[5]),
}

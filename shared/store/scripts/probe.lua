-- Write a small key, to check that the store accepts changes.
--
-- KEYS  probe, deadlines, outbox
-- ARGV  lifetime ms
-- Fails where a change would fail: no memory left, a read-only replica, a key of another type.

local types = {[KEYS[2]] = 'zset', [KEYS[3]] = 'stream'}
for key, expected in pairs(types) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= expected then
    return redis.error_reply('WRONGTYPE a key of ours was replaced')
  end
end
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return 1

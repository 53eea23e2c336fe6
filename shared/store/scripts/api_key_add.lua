-- Store an API key, in place of the one with its id.
--
-- KEYS  hash of the key, set of the tenant's key ids
-- ARGV  key id, record, when to remove it (ms since 1970, '' = never), most keys of the tenant
-- Returns 0 if the tenant has too many keys, otherwise 1.

if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 0
    and redis.call('SCARD', KEYS[2]) >= tonumber(ARGV[4]) then
  return 0
end
redis.call('HSET', KEYS[1], 'record', ARGV[2])
redis.call('SADD', KEYS[2], ARGV[1])
if ARGV[3] ~= '' then
  redis.call('PEXPIREAT', KEYS[1], ARGV[3])
end
return 1

-- Prepended to scripts that use key locking: refuses access to keys and channels not in KEYS.
-- All lines are joined to one, to preserve the script's line numbers: no comments below.

local redis, server = (function(real, keys)
  local declared = {}
  for _, key in ipairs(keys) do
    declared[key] = true
  end
  local keyless = {PING = true, TIME = true}

  local function keys_of(...)
    local name = string.upper(tostring((...)))
    if name == 'PUBLISH' or name == 'SPUBLISH' then
      return {(select(2, ...))}
    end
    if keyless[name] then
      return {}
    end
    local used = real.pcall('COMMAND', 'GETKEYS', ...)
    if not used.err then
      return used
    end
    if string.find(used.err, 'no key arguments', 1, true) then
      return real.error_reply('ERR ' .. name .. ' is not allowed when using allow-key-locking flag')
    end
    return {}
  end

  local function refusal(...)
    local used = keys_of(...)
    if used.err then
      return used
    end
    for _, key in ipairs(used) do
      if not declared[tostring(key)] then
        return real.error_reply(
          'ERR Dynamic keys are not allowed when using allow-key-locking flag: ' .. key)
      end
    end
  end

  local checked = {}
  function checked.call(...)
    local refused = refusal(...)
    if refused then
      error(refused)
    end
    return real.call(...)
  end
  function checked.pcall(...)
    return refusal(...) or real.pcall(...)
  end
  return setmetatable(checked, {__index = real})
end)(redis, KEYS), nil

-- Goes before a script that runs with key locking: only its KEYS may be touched, channels included.
-- The lines are joined to one, so that those of the script keep their numbers: no comments below.

local redis, server = (function(real, keys)
  local declared = {}
  for _, key in ipairs(keys) do
    declared[key] = true
  end
  local keyless = {PING = true, TIME = true}

  local function touched(...)
    local name = string.upper(tostring((...)))
    if name == 'PUBLISH' or name == 'SPUBLISH' then
      return {(select(2, ...))}
    end
    if keyless[name] then
      return {}
    end
    local found = real.pcall('COMMAND', 'GETKEYS', ...)
    if not found.err then
      return found
    end
    if string.find(found.err, 'no key arguments', 1, true) then
      return real.error_reply('ERR ' .. name .. ' is not allowed when using allow-key-locking flag')
    end
    return {}
  end

  local function refusal(...)
    local found = touched(...)
    if found.err then
      return found
    end
    for _, key in ipairs(found) do
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

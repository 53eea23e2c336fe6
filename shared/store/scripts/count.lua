-- Count one request, unless the limit within a sliding window is reached.
--
-- The sliding window is approximated by two fixed windows, the present and the previous one. The
-- previous one's count is taken to be spread evenly, and is weighted by the part of it that the
-- sliding window covers. The first request begins a window; after two windows without a request
-- the next one begins a new series.
--
-- A full Redis goes on counting in existing counters, which takes no more memory. For a new counter
-- the script fails before it has changed anything: see commit.lua.
--
-- KEYS  counter
-- ARGV  most (1 or more), window ms, now ms
-- Returns {1 = limit exceeded and not counted, 0 = counted; how many more requests fit; ms until
-- one more fits, or until the present window ends if one fits now}.

local counter = KEYS[1]
local most, window, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local kept = redis.call('GET', counter) or ''
local began, before, present = string.match(kept, '^(%d+) (%d+) (%d+)$')
began, before, present = tonumber(began or now), tonumber(before or 0), tonumber(present or 0)

local elapsed = now - began
local went_back = elapsed < 0
if went_back then
  -- Move the window back too, so that callers don't wait until the clock catches up.
  began, elapsed = now, 0
elseif elapsed >= 2 * window then
  began, before, present, elapsed = now, 0, 0, 0
elseif elapsed >= window then
  began, before, present, elapsed = began + window, present, 0, elapsed - window
end

-- The weighted count is rounded down, so that there is room after waiting for a whole window.
local covered = window - elapsed
local room = most - present - math.floor(before * covered / window)
local fits = room >= 1
if fits then
  present, room = present + 1, room - 1
end
if fits or went_back then
  local keeping = string.format('%.0f %.0f %.0f', began, before, present)
  local set = redis.pcall('SET', counter, keeping, 'PX', 2 * window)
  if set.err and kept == '' then
    return set
  elseif set.err then
    redis.call('DEL', counter)
    redis.call('SET', counter, keeping, 'PX', 2 * window)
  end
end

local frees_in = covered
if room < 1 and present < most then
  frees_in = covered + 1 - math.ceil((most - present) * window / before)
elseif room < 1 then
  frees_in = covered + window + 1 - math.ceil(most * window / present)
end
return {fits and 0 or 1, math.max(0, room), frees_in}

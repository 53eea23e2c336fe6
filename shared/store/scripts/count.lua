-- Count one more, unless as many as may be are counted already within a window that slides.
--
-- Two windows of a fixed length stand for it, the present one and the one before. What that one
-- holds is taken to be spread evenly, and weighs as much as the sliding window still covers of it.
-- A series begins with a window of its own, and ends where two have passed.
--
-- A Redis without memory goes on counting for those who are counted already, for that takes no more
-- room; the script fails for all others, before it has changed anything: see commit.lua.
--
-- KEYS  counter
-- ARGV  most (1 or more), window ms, now ms
-- Answers {1 = too many, not counted, how many more fit, in how many ms one more does or, where
-- one does already, the present window is over}.

local counter = KEYS[1]
local most, window, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local kept = redis.call('GET', counter) or ''
local began, before, present = string.match(kept, '^(%d+) (%d+) (%d+)$')
began, before, present = tonumber(began or now), tonumber(before or 0), tonumber(present or 0)

local elapsed = now - began
local went_back = elapsed < 0
if went_back then
  -- So does the window: nobody waits for a clock to come to where it was.
  began, elapsed = now, 0
elseif elapsed >= 2 * window then
  began, before, present, elapsed = now, 0, 0, 0
elseif elapsed >= window then
  began, before, present, elapsed = began + window, present, 0, elapsed - window
end

-- What is weighed is rounded down: whoever waits for a whole window finds room.
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

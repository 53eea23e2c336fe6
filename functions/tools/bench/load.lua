-- One scenario: wrk -s load.lua URL -- METHOD PATH BODY [SESSION-ID ...]
-- PATH may hold `ID`, for which the session ids are put in turn. The last line written is JSON.

local requests = {}
local turn = 0

function init(args)
  local method, path, body = args[1], args[2], args[3]
  local headers = {}
  if body == '' then
    body = nil
  else
    headers['Content-Type'] = 'application/json'
  end
  for i = 4, math.max(4, #args) do
    local target = path:gsub('ID', args[i] or '')
    requests[#requests + 1] = wrk.format(method, target, headers, body)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "duration_us": %d, "not_2xx": %d, "broken": %d, '
      .. '"p50_us": %d, "p95_us": %d, "p99_us": %d}\n',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end

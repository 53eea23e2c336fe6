-- One scenario: wrk -s load.lua URL -- METHOD PATH BODY ID-PREFIX [SESSION-ID ...]
--
-- `ID` in PATH is replaced by each session id in turn. `NEW-ID` in BODY is replaced by a new id in
-- each request: ID-PREFIX, the thread's number and the request's number.
-- Thread n sends to the n-th port of WRK_PORTS (separated by commas) and starts at its own offset
-- in the list of sessions. The last line of output is JSON.

local PLACEHOLDER = string.rep('#', 36)   -- as long as an id, for the right Content-Length

local ports = {}
for port in os.getenv('WRK_PORTS'):gmatch('%d+') do
  ports[#ports + 1] = port
end

local threads = 0
thread_number = 0   -- `setup` sets it for each thread

function setup(thread)
  thread.addr = wrk.lookup('127.0.0.1', ports[threads % #ports + 1])[1]
  thread:set('thread_number', threads)
  threads = threads + 1
end

local requests = {}
local turn, created = 0, 0
local before_id, after_id, prefix

function init(args)
  local method, path, body = args[1], args[2], args[3]
  local headers = {}
  prefix = args[4]
  if body == '' then
    body = nil
  else
    headers['Content-Type'] = 'application/json'
    body = body:gsub('NEW%-ID', PLACEHOLDER)
  end
  for i = 5, math.max(5, #args) do
    local target = path:gsub('ID', args[i] or '')
    requests[#requests + 1] = wrk.format(method, target, headers, body)
  end
  turn = math.floor(#requests * thread_number / #ports)
  local first, last = requests[1]:find(PLACEHOLDER, 1, true)
  if first then
    before_id, after_id = requests[1]:sub(1, first - 1), requests[1]:sub(last + 1)
  end
end

function request()
  if before_id then
    created = created + 1
    return string.format('%s%s%04x%08x%s', before_id, prefix, thread_number, created, after_id)
  end
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

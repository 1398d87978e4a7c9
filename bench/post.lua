-- For wrk: posts the signed bodies of the file $BODIES, each exactly once.
-- A line of the file is a signature, a tab, and the body. Thread n of m takes every m-th line.

local started = 0

function setup(thread)
  thread:set("number", started)
  started = started + 1
end

function init(arguments)
  local threads = tonumber(os.getenv("THREADS"))
  requests = {}
  local row = 0
  for line in io.lines(os.getenv("BODIES")) do
    if row % threads == number then
      local tab = line:find("\t", 1, true)
      local headers = {
        ["Host"] = os.getenv("HOST"),
        ["Content-Type"] = "application/json",
        ["X-Retell-Signature"] = line:sub(1, tab - 1),
      }
      requests[#requests + 1] = wrk.format("POST", nil, headers, line:sub(tab + 1))
    end
    row = row + 1
  end
  sent = 0
end

function request()
  sent = sent + 1
  -- Past the end the first body comes again; the caller notices and fails.
  return requests[(sent - 1) % #requests + 1]
end

function done(summary, latency, requests)
  local e = summary.errors
  local row = '{"requests": %d, "seconds": %.6f, "refused": %d, "broken": %d, '
    .. '"p50_ms": %.3f, "p95_ms": %.3f, "p99_ms": %.3f}\n'
  io.write("RESULT " .. row:format(
    summary.requests, summary.duration / 1e6, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end

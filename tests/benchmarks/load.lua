-- What wrk sends: the files named in BODIES, one after the other; and what it says in the end, as JSON.
local bodies = {}
for path in os.getenv("BODIES"):gmatch("[^:]+") do
  local file = assert(io.open(path, "rb"))
  bodies[#bodies + 1] = file:read("*a")
  file:close()
end
wrk.method = "POST"
wrk.body = bodies[1]
if #bodies > 1 then
  local requests, turn = {}, 0
  init = function(args)

    for n, body in ipairs(bodies) do requests[n] = wrk.format(nil, nil, nil, body) end
  end
  request = function()
    turn = turn % #requests + 1
    return requests[turn]
  end
end
done = function(summary, latency)
  local e = summary.errors
  local bad = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format('\n{"requests": %d, "seconds": %f, "bad": %d, "p50": %f, "p99": %f}\n',
    summary.requests, summary.duration / 1e6, bad, latency:percentile(50) / 1e6, latency:percentile(99) / 1e6))
end

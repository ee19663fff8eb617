-- What wrk sends: the files named in BODIES, one after the other; and what it says in the end, as JSON.
-- Where a body says @NUMBER@, it is a thousand bodies, each with a number of its own.
local bodies = {}
for path in os.getenv("BODIES"):gmatch("[^:]+") do
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  for n = 1, text:find("@NUMBER@", 1, true) and 1000 or 1 do
    bodies[#bodies + 1] = text:gsub("@NUMBER@", tostring(n))
  end
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

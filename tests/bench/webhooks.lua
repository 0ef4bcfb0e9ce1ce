-- Sends each prepared webhook once and prints what was answered. Argument: the file with signatures and bodies.
local threads = {}

function setup(thread) table.insert(threads, thread) end

function init(args)
  requests, sent, refused = {}, 0, 0
  local signature
  for line in io.lines(args[1]) do
    if signature then
      requests[#requests + 1] = wrk.format("POST", nil,
        { ["Stripe-Signature"] = signature, ["Content-Type"] = "application/json" }, line)
      signature = nil
    else
      signature = line
    end
  end
end

function request()
  sent = sent + 1
  if sent > #requests then
    wrk.thread:stop()
    return requests[#requests]
  end
  return requests[sent]
end

function response(status)
  if status ~= 200 then refused = refused + 1 end
end

function done(summary, latency)
  local refusals = 0
  for _, thread in ipairs(threads) do refusals = refusals + thread:get("refused") end
  print(string.format('{"answered": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "refused": %d, "errors": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, refusals,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end

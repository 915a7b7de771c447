// The reducer of `src/health/_circuit.ts` as a script that runs in the server,
// so that an exchange is one atomic command and processes never conflict.
// The tests in `tests/redis` compare both with the same reference.
//
// KEYS[1]  a hash with the circuits: a field per model
// KEYS[2]  the last batch of this process: "number flags"
// ARGV[1]… failureThreshold windowMs failureRateThreshold (or -1)
//          minimumThroughput cooldownMs maxCooldownMs maxOpenMs retentionMs
// ARGV[9]  the number of the batch; 0 if there is none
// ARGV[10] how many fields follow; -1 for all fields of the hash
// then     the fields, and the events: "type field at retryAfterMs", where
//          field counts from 1
//
// The reply is one string, because clients convert every other type in their
// own way: "now flags", then a line "field circuit" per model. A flag is 1 if
// the event changed its circuit.
//
// A circuit is plain text: "closed changedAt at,calls,failures …", or
// "open changedAt retryAt probing failures failedProbes". Whatever does not match reads
// as closed and is replaced by the next event. `changedAt` is per field, because
// in Redis only a whole hash expires.

/** The script. It is constant: values in its text would fill the server's cache. */
export const SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local o = {}
for i = 1, 10 do o[i] = tonumber(ARGV[i]) end
local threshold, windowMs, rate, throughput = o[1], o[2], o[3], o[4]
local cooldownMs, maxCooldownMs, maxOpenMs, retentionMs = o[5], o[6], o[7], o[8]
local batch, count = o[9], o[10]
-- The earliest event of the batch: events are older than the exchange.
local earliest = now
for i = 11 + count, batch > 0 and #ARGV or 0 do
  earliest = math.min(earliest, tonumber(ARGV[i]:match('^%a+ %d+ (%d+) ')))
end

local function isSane(...)
  for _, n in ipairs({...}) do
    if n >= 1e15 then return false end
  end
  return true
end

local function decodeWindow(text)
  local window, size, last = {}, 0, 0
  for at, calls, failures in text:gmatch(' (%d+),(%d+),(%d+)') do
    size = size + 3 + #at + #calls + #failures
    at, calls, failures = tonumber(at), tonumber(calls), tonumber(failures)
    if not isSane(at, calls) or failures > calls or at < last then return {} end
    last = at
    window[#window + 1] = { math.min(at, now), calls, failures }
  end
  return size == #text and window or {}
end

local function isExpired(text)
  local changedAt = text:match('^%a+ (%d+)')
  return changedAt and now - tonumber(changedAt) >= retentionMs
end

local function decode(text)
  local closed = { window = {} }
  if type(text) ~= 'string' or #text > 40000 or isExpired(text) then return closed end
  local window = text:match('^closed %d+(.*)$')
  if window then return { window = decodeWindow(window) } end
  local retryAt, probing, failures, probes =
    text:match('^open %d+ (%d+) ([01]) (%d+) (%d+)$')
  if not retryAt then return closed end
  retryAt, failures, probes = tonumber(retryAt), tonumber(failures), tonumber(probes)
  if not isSane(retryAt, failures, probes) then return closed end
  if retryAt - now > maxOpenMs then retryAt = earliest end
  return { retryAt = retryAt, probing = probing == '1', failures = failures, failedProbes = probes }
end

local function encode(circuit)
  if circuit.retryAt then
    return string.format('open %.0f %.0f %d %.0f %.0f', now, circuit.retryAt,
      circuit.probing and 1 or 0, circuit.failures, circuit.failedProbes)
  end
  local parts = { string.format('closed %.0f', now) }
  for i, slice in ipairs(circuit.window) do
    parts[i + 1] = string.format('%.0f,%.0f,%.0f', slice[1], slice[2], slice[3])
  end
  return table.concat(parts, ' ')
end

local function cooldown(probes, retryAfterMs)
  if retryAfterMs > 0 then return retryAfterMs end
  return math.min(cooldownMs * 2 ^ math.min(probes, 31), maxCooldownMs)
end

local function reduceClosed(circuit, kind, at, retryAfterMs)
  local isFailure = kind == 'failure'
  if not (isFailure or kind == 'success' and rate >= 0) then return nil end
  local window, calls, failures = {}, 1, isFailure and 1 or 0
  for _, slice in ipairs(circuit.window) do
    if at - slice[1] < windowMs then
      window[#window + 1] = { slice[1], slice[2], slice[3] }
      calls = calls + slice[2]
      failures = failures + slice[3]
    end
  end
  local last = window[#window]
  if not (last and at - last[1] < windowMs / 100) then
    last = { at, 0, 0 }
    window[#window + 1] = last
  end
  last[2] = last[2] + 1
  last[3] = last[3] + (isFailure and 1 or 0)
  local isDown = isFailure and retryAfterMs > 0 or failures >= threshold or
    rate >= 0 and failures > 0 and calls >= throughput and failures / calls >= rate
  if not isDown then return { window = window } end
  return { retryAt = at + cooldown(0, retryAfterMs), probing = false, failures = failures, failedProbes = 0 }
end

local function reduceOpen(circuit, kind, at, retryAfterMs)
  local retryAt, probing = circuit.retryAt, circuit.probing
  local failures, probes = circuit.failures, circuit.failedProbes
  if kind == 'success' then return { window = {} } end
  if kind == 'probe' then
    if at < retryAt then return nil end
    retryAt, probing = at + cooldownMs, true
  elseif kind == 'released' then
    if not probing then return nil end
    retryAt, probing = at, false
  elseif probing then
    probes = probes + 1
    retryAt, probing, failures = at + cooldown(probes, retryAfterMs), false, failures + 1
  elseif retryAfterMs > 0 and at + retryAfterMs > retryAt then
    retryAt = at + retryAfterMs
  else
    return nil
  end
  return { retryAt = retryAt, probing = probing, failures = failures, failedProbes = probes }
end

local function stored(reply)
  if type(reply) ~= 'table' or not reply.err then return reply or nil end
  if not reply.err:find('WRONGTYPE', 1, true) then error(reply.err, 0) end
end

local fields, texts = {}, {}
if count < 0 then
  local all = stored(redis.pcall('HGETALL', KEYS[1])) or {}
  for i = 1, #all, 2 do
    if not all[i]:find('%s') and not isExpired(all[i + 1]) then
      fields[#fields + 1] = all[i]
      texts[#fields] = all[i + 1]
    end
  end
else
  for i = 1, count do fields[i] = ARGV[10 + i] end
  local values = count > 0 and stored(redis.pcall('HMGET', KEYS[1], unpack(fields))) or {}
  for i = 1, count do texts[i] = values[i] end
end
local circuits = {}
for i = 1, #fields do circuits[i] = decode(texts[i]) end

local flags = '-'
if batch > 0 then
  local seen = stored(redis.pcall('GET', KEYS[2]))
  local number, before = tostring(seen):match('^(%d+) ([01]+)$')
  if number and tonumber(number) >= batch then
    flags = before
  else
    local changed, results = {}, {}
    for i = 11 + count, #ARGV do
      local kind, index, at, retryAfterMs = ARGV[i]:match('^(%a+) (%d+) (%d+) (%d+)$')
      index, at = tonumber(index), math.min(tonumber(at), now)
      local reduce = circuits[index].retryAt and reduceOpen or reduceClosed
      local after = reduce(circuits[index], kind, at, tonumber(retryAfterMs))
      if after then
        circuits[index] = after
        changed[index] = true
      end
      results[#results + 1] = after and '1' or '0'
    end
    flags = table.concat(results)
    if next(changed) then
      local kind = redis.call('TYPE', KEYS[1])
      kind = kind.ok or kind
      if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end
      for index in pairs(changed) do
        redis.call('HSET', KEYS[1], fields[index], encode(circuits[index]))
      end
      local keepMs = math.max(retentionMs, 1)
      if redis.call('PTTL', KEYS[1]) < keepMs then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', keepMs)) end
    end
    redis.call('SET', KEYS[2], string.format('%.0f %s', batch, flags),
      'PX', string.format('%.0f', math.max(retentionMs, 60000)))
  end
end

local lines = { string.format('%.0f %s', now, flags) }
for i, field in ipairs(fields) do lines[i + 1] = field .. ' ' .. encode(circuits[i]) end
return table.concat(lines, '\\n')
`;

/** The name of the script in the server: its SHA-1, which a test compares. */
export const SCRIPT_SHA1 = "93bb9b8f5ee5c83ca475f0ed8ffbcf850d8f2714";

-- What a script of wrk finds, written anew for the sandbox: the table wrk, its calls, and of the
-- standard library what cannot reach out. The host calls the functions that this chunk returns.
local host = ...
local hook, jit_off = debug.sethook, jit and jit.off
local byte = string.byte

-- Hooks do not fire in compiled code, so the budget of steps needs the interpreter.
if jit_off then jit_off() end
local STEP, left, spent = 1000000, 0, false
local function count()
   if spent then error("the script ran for too long", 0) end
   left = left - 1
   if left < 0 then
      spent = true
      hook(count, "", 1) -- from now on every step fails, inside pcall too
      error("the script ran for too long", 0)
   end
end
local function budget(millions)
   left, spent = millions, false
   hook(count, "", STEP)
end

local written = {}
local function write(...)
   for index = 1, select("#", ...) do
      written[#written + 1] = tostring((select(index, ...)))
   end
   return io
end
print = function(...)
   local words = {}
   for index = 1, select("#", ...) do words[index] = tostring((select(index, ...))) end
   write(table.concat(words, "\t"), "\n")
end

local function absent(name)
   return function() error(name .. " is not in the sandbox of wrk scripts", 0) end
end
local time, clock, date = os.time, os.clock, os.date
io = {write = write, open = absent("io.open"), read = absent("io.read"), lines = absent("io.lines"),
      stdout = {write = function(_, ...) write(...) end},
      stderr = {write = function(_, ...) write(...) end}}
os = {time = time, clock = clock, date = date, getenv = function() return nil end,
      execute = absent("os.execute"), exit = absent("os.exit"), remove = absent("os.remove")}
for _, name in ipairs({"dofile", "load", "loadfile", "loadstring", "require", "module"}) do
   _G[name] = absent(name)
end
string.dump = nil
for _, name in ipairs({"debug", "package", "jit", "ffi", "python", "newproxy", "collectgarbage",
                       "getfenv", "setfenv", "gcinfo"}) do
   _G[name] = nil
end

local stopped = false
local thread = {addr = host.addr}
function thread:get(name) return _G[name] end
function thread:set(name, value) _G[name] = value end
function thread:stop() stopped = true end

wrk = {scheme = host.scheme, host = host.host, port = host.port, path = host.path,
       method = host.method, headers = {}, body = host.body, thread = thread}
for name, value in pairs(host.headers) do wrk.headers[name] = value end
function wrk.lookup() return {host.addr} end
function wrk.connect() return true end

function wrk.format(method, path, headers, body)
   method, path = method or wrk.method, path or wrk.path
   headers, body = headers or wrk.headers, body or wrk.body
   local lines = {method .. " " .. path .. " HTTP/1.1"}
   for name, value in pairs(headers) do
      if name:lower() ~= "content-length" then lines[#lines + 1] = name .. ": " .. tostring(value) end
   end
   if body then lines[#lines + 1] = "Content-Length: " .. #body end
   lines[#lines + 1] = ""
   lines[#lines + 1] = body or ""
   return table.concat(lines, "\r\n")
end

local host_calls = {}
function host_calls.budget(millions) budget(millions) end
function host_calls.has(name) return type(_G[name]) == "function" end
function host_calls.setup() if type(setup) == "function" then setup(thread) end end
function host_calls.init(arguments) if type(init) == "function" then init(arguments) end end
function host_calls.request()
   local made = type(request) == "function" and request() or wrk.format()
   if type(made) ~= "string" then error("request() must return a string, as wrk.format does", 0) end
   return made
end
function host_calls.delay() return tonumber(delay()) or 0 end
function host_calls.response(status, headers, body) response(status, headers, body) end
function host_calls.stopped() return stopped end
function host_calls.written()
   local text = table.concat(written)
   written = {}
   return text
end

local function statistics(one)
   local values = one.values
   one.percentile = function(_, percent)
      local seen, target = 0, percent / 100 * one.count
      for _, pair in ipairs(values) do
         seen = seen + pair[2]
         if seen >= target then return pair[1] end
      end
      return one.max
   end
   return setmetatable(one, {
      __len = function() return #values end,
      __call = function(_, index) return values[index][1], values[index][2] end})
end
function host_calls.done(summary, latency, requests)
   done(summary, statistics(latency), statistics(requests))
end
return host_calls

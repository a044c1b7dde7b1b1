-- redis.lua: of Redis what sinks/redis.lua and the sink use, on plain tables: hashes, sets, streams. Values are
-- strings, a missing one is false, as Redis' own Lua has it.

local keys = {}
redis = {}

-- The script makes its commands as text, anew in each step: most texts have been compiled before.
local compile, compiled = loadstring, {}

function loadstring(text)
  compiled[text] = compiled[text] or compile(text)
  return compiled[text]
end

-- Every word is a string; numbers as Redis would write them.
local function word(value)
  local kind = type(value)
  if kind == 'string' then
    return value
  end
  assert(kind == 'number', 'ERR a word is neither text nor number')
  return string.format('%.17g', value)
end

local function hash(key)
  keys[key] = keys[key] or {}
  return keys[key]
end

local function drop_empty(key)
  if keys[key] and next(keys[key]) == nil then
    keys[key] = nil
  end
end

local commands = {}

function commands.HSET(key, ...)
  local fields, new, words = hash(key), 0, {...}
  assert(#words > 0 and #words % 2 == 0, 'ERR wrong number of arguments for HSET')
  for i = 1, #words, 2 do
    local field = word(words[i])
    new = new + (fields[field] == nil and 1 or 0)
    fields[field] = word(words[i + 1])
  end
  return new
end

function commands.HGET(key, field)
  return keys[key] and keys[key][word(field)] or false
end

function commands.HMGET(key, ...)
  local answer, fields = {...}, keys[key] or {}
  for i = 1, #answer do
    answer[i] = fields[word(answer[i])] or false
  end
  return answer
end

function commands.HDEL(key, ...)
  local gone = 0
  for i = 1, select('#', ...) do
    local field = select(i, ...)
    if keys[key] and keys[key][field] then
      keys[key][field] = nil
      gone = gone + 1
    end
  end
  drop_empty(key)
  return gone
end

local function members(key)
  local list = {}
  for member in pairs(keys[key] or {}) do
    list[#list + 1] = member
  end
  table.sort(list)
  return list
end

commands.HKEYS, commands.SMEMBERS = members, members

function commands.HGETALL(key)
  local answer = {}
  for _, field in ipairs(members(key)) do
    answer[#answer + 1], answer[#answer + 2] = field, keys[key][field]
  end
  return answer
end

function commands.SADD(key, ...)
  local set, new = hash(key), 0
  for i = 1, select('#', ...) do
    new = new + (set[select(i, ...)] and 0 or 1)
    set[select(i, ...)] = true
  end
  return new
end

commands.SREM = commands.HDEL

function commands.SSCAN(key)
  return {'0', members(key)}
end

function commands.DEL(...)
  for i = 1, select('#', ...) do
    keys[select(i, ...)] = nil
  end
  return select('#', ...)
end

local function newer(id, than)
  local ms, number = string.match(id, '^(%d+)-(%d+)$')
  local last_ms, last_number = string.match(than, '^(%d+)-(%d+)$')
  ms, last_ms = tonumber(ms), tonumber(last_ms)
  return ms > last_ms or ms == last_ms and tonumber(number) > tonumber(last_number)
end

function commands.XADD(key, maxlen, about, limit, id, ...)
  assert(maxlen == 'MAXLEN' and about == '~', 'ERR syntax error')
  local stream = hash(key)
  if #stream > 0 and not newer(id, stream[#stream].id) then
    error({err = 'ERR The ID specified in XADD is equal or smaller than the target stream top item'})
  end
  stream[#stream + 1] = {id = id, ...}
  if #stream > tonumber(limit) + 100 then
    table.remove(stream, 1)
  end
  return id
end

function commands.XREVRANGE(key)
  local stream = keys[key] or {}
  return #stream > 0 and {{stream[#stream].id, {unpack(stream[#stream])}}} or {}
end

function commands.PUBLISH()
  return 0
end

local function run(name, ...)
  return commands[name](...)
end

redis.call = run

function redis.pcall(...)
  local ok, answer = pcall(run, ...)
  return ok and answer or not ok and (type(answer) == 'table' and answer or {err = answer}) or answer
end

-- For the world: saves and rollbacks, and what stands there in the end.
local function copy(value)
  if type(value) ~= 'table' then
    return value
  end
  local made = {}
  for k, v in pairs(value) do
    made[k] = copy(v)
  end
  return made
end

local saves = {}

function sim_save(place)
  saves[place] = copy(keys)
end

function sim_restore(place)
  keys = copy(saves[place] or {})
end

-- Every entry of every history: its stream's name, its id, its fields.
function sim_history()
  local list = {}
  for key, stream in pairs(keys) do
    local name = string.match(key, '^belfry:v1:hist:(.*)$')
    for i = 1, name and #stream or 0 do
      list[#list + 1] = {name, stream[i].id, unpack(stream[i])}
    end
  end
  return list
end

-- How far a partition of belfry.kpis is applied; the window that a KPI's hash shows.
function sim_position(partition)
  local position = keys['belfry:v1:position'] or {}
  return tonumber(position[tostring(partition)] or 0)
end

function sim_newest(name)
  local fields = keys['belfry:v1:kpi:' .. name] or {}
  return fields.window_start_ms, fields.revision
end

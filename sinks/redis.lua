-- redis.lua: every change that belfry-sink makes to Redis, as atomic steps. ARGV[1] names the step.
--
-- The promise (docs/ARCHITECTURE.md, "Redis, once") is kept by one guard: a batch applies only if
-- belfry:v1:position still says where the sink thinks Redis is, and who wrote last. So a second sink, a
-- repeated request and a Redis restored from an older save cannot harm, and what the sink knows of a key
-- (sinks/redis_known.h) still holds. Position and origins move in the same step as the values. Which records
-- count, and as what, the sink has decided: asking here would cost half as much again.
--
-- Plain Lua 5.1, and of Redis only redis.call and redis.pcall: tests run this file in a Lua of their own.
-- Values come as words in a fixed order, and only their names stand here: handing over whole commands
-- would cost half as much again. Unknown values are left out; the record's shape says which follow.

local PREFIX = 'belfry:v1:'
local KPI, HIST, BOARD, DEVICE = PREFIX .. 'kpi:', PREFIX .. 'hist:', PREFIX .. 'board:', PREFIX .. 'device:'
local POSITION, ORIGIN, META = PREFIX .. 'position', PREFIX .. 'origin:', PREFIX .. 'meta'
local IDX_KPI, IDX_SCOPE = PREFIX .. 'idx:kpi', PREFIX .. 'idx:scope'
local IDX_DEVICE, IDX_BOARD = PREFIX .. 'idx:device', PREFIX .. 'idx:board'

-- In the order of the words of a record (sinks/words.c).
local KPI_FIELDS = {
  'value', 'unit', 'window_start_ms', 'window_end_ms', 'n', 'min', 'max', 'target', 'band', 'quality', 'final',
  'revision', 'stale_after_ms', 'detail',
}
local DEVICE_FIELDS = {
  'device', 'profile', 'zone', 'last_seen_ms', 'last_event_ms', 'readings', 'suspect', 'failed', 'lat', 'lon',
  'updated_ms',
}
-- Of a closed window, what a sparkline needs.
local IN_HISTORY = {
  value = true, window_start_ms = true, window_end_ms = true, n = true, min = true, max = true, quality = true,
  revision = true, detail = true,
}
local BOARD_WORDS = 1000 -- of one HSET: what unpack takes has a bound

local call, ARGV = redis.call, ARGV
local history
local surprised = false -- a hash was not what the sink knows of it
local WRITE -- what writes a record, by kind
local shapes, boards_open = {}, {} -- used for many records: tables that grow are what a script pays for

-- Fields and values that one board gets in this batch: one command instead of one for each.
local function board_of(name)
  local board = boards_open[name] or {key = BOARD .. name, words = {}, used = 0}
  boards_open[name] = board
  return board
end

local function flush_board(board)
  if board.used > 0 then
    call('HSET', board.key, unpack(board.words, 1, board.used))
    board.used = 0
  end
end

local function flush_boards()
  for _, board in pairs(boards_open) do
    flush_board(board)
  end
end

local function write_board(board, name, value)
  if not value then
    flush_board(board) -- which may hold an older value of it
    call('HDEL', board.key, name)
    return
  end
  local words, used = board.words, board.used
  words[used + 1], words[used + 2] = name, value
  board.used = used + 2
  if used >= BOARD_WORDS then
    flush_board(board)
  end
end

-- The lowest bit of a number, and the others.
local function next_bit(bits)
  local bit = bits % 2
  return bit == 1, (bits - bit) / 2
end

-- A command of one shape: its names stand in the text, its values are ARGV's from `from` on. A function that is made
-- once for a batch and called for each of its records costs less than a table that is filled and unpacked.
local function command_of(text, names, places, tail)
  local words = {text}
  for i = 1, #names do
    words[i + 1] = "'" .. names[i] .. "', ARGV[from + " .. places[i] .. ']'
  end
  words[#words + 1] = tail
  return loadstring('local call, ARGV, history = ... return function(key, from, last) return call(' ..
                    table.concat(words, ', ') .. ') end')
end

-- What records have in common, from "<kind><fields> <changed> <gone> <created> <boards>" (bits of names): what writes
-- them, the commands of HSET and XADD, fields to remove, how many are written and created, boards.
local function shape_of(text)
  local kind, fields, changed, gone, created, boards = string.match(text, '^(%l)(%d+) (%d+) (%d+) (%d+) (.*)$')
  local numbered, names = kind ~= 'd', kind == 'd' and DEVICE_FIELDS or KPI_FIELDS
  local shape = {count = 0, created = 0, boards = {}, write = WRITE[kind]}
  local words, places, past, past_places = {}, {}, {}, {}
  fields, changed, gone, created = tonumber(fields), tonumber(changed), tonumber(gone), tonumber(created)
  shape.has_value, shape.lost_value = changed % 2 == 1, gone % 2 == 1
  for i = 1, #names do
    local known, moved, lost, made
    known, fields = next_bit(fields)
    moved, changed = next_bit(changed)
    lost, gone = next_bit(gone)
    made, created = next_bit(created)
    if known then
      local place = shape.count
      shape.count = place + 1
      if moved then
        words[#words + 1], places[#places + 1] = names[i], place
      end
      shape.created = shape.created + (made and 1 or 0)
      if IN_HISTORY[names[i]] then
        past[#past + 1], past_places[#past_places + 1] = names[i], place
      end
    elseif lost then
      shape.gone = shape.gone or {}
      shape.gone[#shape.gone + 1] = names[i]
    end
  end
  for board in string.gmatch(boards, '%S+') do
    shape.boards[#shape.boards + 1] = board_of(board)
  end
  shape.written = #words + (numbered and 1 or 0)
  shape.put = command_of("'HSET', key", words, places, numbered and "'seq', last" or nil)(call, ARGV)
  shape.keep = command_of("'XADD', key, 'MAXLEN', '~', history, last", past, past_places)(redis.pcall, ARGV, history)
  shapes[text] = shape
  return shape
end

-- Writes the values from ARGV[from] on. Returns how many fields were new.
local function write_hash(key, shape, from, seq)
  local new = shape.put(key, from, seq)
  if shape.gone and new < shape.written then
    call('HDEL', key, unpack(shape.gone))
  end
  return new
end

-- A record's id in the stream is its place in the log, so it is the same however often it is written. That
-- the stream is there or further already can only be when a step broke off half way, which Redis does not undo.
local function write_history(name, offset, shape, from)
  local key = HIST .. name
  local answer = shape.keep(key, from, offset .. '-1')
  if type(answer) == 'table' and answer.err then
    local newest = call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
    if not newest or tonumber(string.match(newest[1], '^%d+')) < tonumber(offset) then
      error(answer.err)
    end
  end
end

-- Words: shape, kpi:scope, seq, offset (if it closes), values, message. Returns the next record's place.
local function write_kpi(shape, at, newest, closed)
  local name, seq, from = ARGV[at], ARGV[at + 1], at + (closed and 3 or 2)
  local key = KPI .. name
  if not newest then
    call('HSET', key, 'seq', seq)
  else
    local new = write_hash(key, shape, from, seq)
    surprised = surprised or new ~= shape.created + (seq == '1' and 1 or 0)
    if new == shape.written then
      local kpi, scope = string.match(name, '^([^:]*):(.*)$')
      call('SADD', IDX_KPI, kpi)
      call('SADD', IDX_SCOPE, scope)
    end
    if shape.has_value or shape.lost_value then
      for i = 1, #shape.boards do
        write_board(shape.boards[i], name, shape.has_value and ARGV[from])
      end
    end
  end
  if closed then
    write_history(name, ARGV[at + 2], shape, from)
  end
  call('PUBLISH', key, ARGV[from + shape.count])
  return from + shape.count + 1
end

-- Words: shape, id, values.
local function write_device(shape, at)
  if write_hash(DEVICE .. ARGV[at], shape, at + 1) == shape.written then
    call('SADD', IDX_DEVICE, ARGV[at])
  end
  return at + 1 + shape.count
end

WRITE = {
  k = function(shape, at) return write_kpi(shape, at, true, false) end,  -- the newest window, open
  f = function(shape, at) return write_kpi(shape, at, true, true) end,   -- the newest window, closed
  r = function(shape, at) return write_kpi(shape, at, false, true) end,  -- an older one, closed
  d = write_device,
}

-- apply: partition, expected position, new position, expected writer, new writer, history, clock, number of
-- tasks; of each task its name and origin; then the words of each record.
-- Returns 1; 2 where also a hash was not what the sink thought; 0 where Redis stands elsewhere.
local function apply()
  local partition, tasks = ARGV[2], tonumber(ARGV[9])
  local known = call('HMGET', POSITION, partition, 'writer')
  if (known[1] or '') ~= ARGV[3] or (known[2] or '') ~= ARGV[5] then
    return 0
  end
  history = ARGV[7]
  local at, last = 10 + 2 * tasks, #ARGV
  while at <= last do
    local shape = shapes[ARGV[at]] or shape_of(ARGV[at])
    at = shape.write(shape, at + 1)
  end
  flush_boards()
  if tasks > 0 then
    call('HSET', ORIGIN .. partition, unpack(ARGV, 10, 9 + 2 * tasks))
  end
  if ARGV[8] ~= '' then
    call('HSET', META, 'clock_ms', ARGV[8])
  end
  call('HSET', POSITION, partition, ARGV[4], 'writer', ARGV[6])
  return surprised and 2 or 1
end

-- hello: number of partitions. Returns install, generation, clock, heartbeat, writer, then each position; ''
-- where there is none.
local function hello()
  local answer = call('HMGET', META, 'install', 'generation', 'clock_ms', 'heartbeat_ms')
  for i = 1, 4 do
    answer[i] = answer[i] or ''
  end
  answer[5] = call('HGET', POSITION, 'writer') or ''
  for partition = 0, tonumber(ARGV[2]) - 1 do
    answer[6 + partition] = call('HGET', POSITION, partition) or ''
  end
  return answer
end

-- beat: install, epoch, heartbeat, behind in ms, behind in records, then the position expected of each
-- partition. Returns 1, or 0 where one differs.
local function beat()
  for i = 7, #ARGV do
    if (call('HGET', POSITION, i - 7) or '') ~= ARGV[i] then
      return 0
    end
  end
  call('HSET', META, 'version', 1, 'install', ARGV[2], 'epoch', ARGV[3], 'heartbeat_ms', ARGV[4],
       'behind_ms', ARGV[5], 'behind_records', ARGV[6])
  return 1
end

local function set_of(text)
  local set = {}
  for word in string.gmatch(text, '%S+') do
    set[word] = true
  end
  return set
end

-- boards: of each board its name and its KPIs. Others go; of those that stay, the fields of other KPIs go.
local function boards()
  local wanted = {}
  for i = 2, #ARGV, 2 do
    wanted[ARGV[i]] = set_of(ARGV[i + 1])
    call('SADD', IDX_BOARD, ARGV[i])
  end
  local present = call('SMEMBERS', IDX_BOARD)
  for i = 1, #present do
    local board = present[i]
    if not wanted[board] then
      call('DEL', BOARD .. board)
      call('SREM', IDX_BOARD, board)
    else
      local fields = call('HKEYS', BOARD .. board)
      for j = 1, #fields do
        if not wanted[board][string.match(fields[j], '^[^:]*')] then
          call('HDEL', BOARD .. board, fields[j])
        end
      end
    end
  end
  return 1
end

-- sweep: the KPIs that go, number of those that stay, of each its id and boards; then scopes. Removes what
-- goes, puts what stays onto its boards, and forgets a scope that no KPI has any more.
local function sweep()
  local gone, kept = set_of(ARGV[2]), tonumber(ARGV[3])
  for i = 4 + 2 * kept, #ARGV do
    local scope, used = ARGV[i], false
    for kpi in pairs(gone) do
      call('DEL', KPI .. kpi .. ':' .. scope, HIST .. kpi .. ':' .. scope)
    end
    for k = 4, 2 + 2 * kept, 2 do
      local name = ARGV[k] .. ':' .. scope
      local known = call('HMGET', KPI .. name, 'seq', 'value')
      if known[1] then
        used = true
        for board in string.gmatch(ARGV[k + 1], '%S+') do
          write_board(board_of(board), name, known[2])
        end
      end
    end
    if not used then
      call('SREM', IDX_SCOPE, scope)
    end
  end
  flush_boards()
  return 1
end

-- devices: the profiles that stay, by name; then ids. A device whose profile is gone goes.
local function devices()
  local kept = set_of(ARGV[2])
  for i = 3, #ARGV do
    local profile = call('HGET', DEVICE .. ARGV[i], 'profile') or ''
    if not kept[string.match(profile, '^[^@]*')] then
      call('DEL', DEVICE .. ARGV[i])
      call('SREM', IDX_DEVICE, ARGV[i])
    end
  end
  return 1
end

-- adopted: generation, and the KPIs that are gone. The last step of a change of configuration.
local function adopted()
  for kpi in pairs(set_of(ARGV[3])) do
    call('SREM', IDX_KPI, kpi)
  end
  call('HSET', META, 'generation', ARGV[2])
  return 1
end

-- anew: number of partitions. Redis belongs to a log that is no more: its positions mean nothing.
local function anew()
  for partition = 0, tonumber(ARGV[2]) - 1 do
    call('DEL', ORIGIN .. partition)
  end
  call('DEL', POSITION, META)
  return 1
end

local STEPS = {
  apply = apply, hello = hello, beat = beat, boards = boards, sweep = sweep, devices = devices,
  adopted = adopted, anew = anew,
}
return STEPS[ARGV[1]]()

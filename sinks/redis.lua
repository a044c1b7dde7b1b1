-- redis.lua: every change that belfry-sink makes to Redis, as atomic steps. ARGV[1] names the step.
--
-- The promise (docs/ARCHITECTURE.md, "Redis, once") is kept by two guards. The position: a batch applies only
-- if belfry:v1:position still says where the sink thinks it is, so a second sink, a repeated request and a
-- Redis restored from an older save cannot harm. The origin: of each writing task the last record taken, so
-- what a task wrote twice into the log counts once. Both move in the same step as the values.
--
-- Plain Lua 5.1, and of Redis only redis.call and redis.pcall: tests run this file in a Lua of their own.
-- Values come as words in a fixed order, and only their names stand here: handing over whole commands
-- would cost half as much again. An empty word means unknown: no field.

local PREFIX = 'belfry:v1:'
local KPI, HIST, BOARD, DEVICE = PREFIX .. 'kpi:', PREFIX .. 'hist:', PREFIX .. 'board:', PREFIX .. 'device:'
local POSITION, ORIGIN, META = PREFIX .. 'position', PREFIX .. 'origin:', PREFIX .. 'meta'
local IDX_KPI, IDX_SCOPE = PREFIX .. 'idx:kpi', PREFIX .. 'idx:scope'
local IDX_DEVICE, IDX_BOARD = PREFIX .. 'idx:device', PREFIX .. 'idx:board'

-- In the order of the words of a record (sinks/words.c). START, FINAL and REVISION are places in it.
local KPI_FIELDS = {
  'value', 'unit', 'window_start_ms', 'window_end_ms', 'n', 'min', 'max', 'target', 'band', 'quality', 'final',
  'revision', 'stale_after_ms',
}
local VALUE, START, FINAL, REVISION, KPI_WORDS = 1, 3, 11, 12, 13
local DEVICE_FIELDS = {
  'device', 'profile', 'zone', 'last_seen_ms', 'last_event_ms', 'readings', 'suspect', 'failed', 'lat', 'lon',
  'updated_ms',
}
-- Of a closed window, what a sparkline needs: places in KPI_FIELDS.
local HIST_FIELDS = {1, 3, 4, 5, 6, 7, 10, 12}

local call, ARGV = redis.call, ARGV
local history
local words, board_keys = {}, {} -- used again for each record: tables that grow are what a script pays for

-- Writes the known ones of ARGV[from], ARGV[from + 1], ... under `names`, and removes the others.
-- Returns how many of the fields were new, and how many were written.
local function write_hash(key, names, from, seq)
  local used, gone = 0, nil
  for i = 1, #names do
    local word = ARGV[from + i - 1]
    if word ~= '' then
      words[used + 1], words[used + 2] = names[i], word
      used = used + 2
    else
      gone = gone or {}
      gone[#gone + 1] = names[i]
    end
  end
  if seq then
    words[used + 1], words[used + 2] = 'seq', seq
    used = used + 2
  end
  local new = call('HSET', key, unpack(words, 1, used))
  if gone and new * 2 < used and call('HLEN', key) * 2 > used then
    call('HDEL', key, unpack(gone))
  end
  return new, used / 2
end

local function keys_of(boards)
  local keys = {}
  for board in string.gmatch(boards, '%S+') do
    keys[#keys + 1] = BOARD .. board
  end
  board_keys[boards] = keys
  return keys
end

local function write_boards(boards, name, value)
  local keys = board_keys[boards] or keys_of(boards)
  for i = 1, #keys do
    if value ~= '' then
      call('HSET', keys[i], name, value)
    else
      call('HDEL', keys[i], name)
    end
  end
end

-- A record's id in the stream is its place in the log, so it is the same however often it is written. That
-- it is there already can only be when a step broke off half way, which Redis does not undo.
local function write_history(name, offset, from)
  local key, id, used = HIST .. name, offset .. '-1', 0
  for i = 1, #HIST_FIELDS do
    local place = HIST_FIELDS[i]
    local word = ARGV[from + place - 1]
    if word ~= '' then
      words[used + 1], words[used + 2] = KPI_FIELDS[place], word
      used = used + 2
    end
  end
  local answer = redis.pcall('XADD', key, 'MAXLEN', '~', history, id, unpack(words, 1, used))
  if type(answer) == 'table' and answer.err and #call('XRANGE', key, id, id) == 0 then
    error(answer.err)
  end
end

-- Whether a record belongs into the hash: the newest window wins, in it the newest revision, and a final
-- wins over a provisional value.
local function is_newest(key, known, from)
  local start, old = tonumber(ARGV[from + START - 1]), tonumber(known[2] or '')
  if not old or start ~= old then
    return not old or start > old
  end
  if known[3] ~= '1' then
    return true
  end
  return ARGV[from + FINAL - 1] == '1'
    and tonumber(ARGV[from + REVISION - 1]) >= tonumber(call('HGET', key, 'revision'))
end

-- Words: offset, kpi:scope, boards, 13 values, message without its end.
local function write_kpi(at)
  local name, from = ARGV[at + 1], at + 3
  local key = KPI .. name
  local known = call('HMGET', key, 'seq', 'window_start_ms', 'final')
  local seq = (tonumber(known[1] or '') or 0) + 1
  local closed, newest = ARGV[from + FINAL - 1] == '1', is_newest(key, known, from)
  if newest then
    write_hash(key, KPI_FIELDS, from, seq)
    write_boards(ARGV[at + 2], name, ARGV[from + VALUE - 1])
  elseif closed then
    call('HSET', key, 'seq', seq)
  else
    return 1 -- a provisional value that something newer has overtaken: nobody needs it
  end
  if not known[1] then
    local kpi, scope = string.match(name, '^([^:]*):(.*)$')
    call('SADD', IDX_KPI, kpi)
    call('SADD', IDX_SCOPE, scope)
  end
  if closed then
    write_history(name, ARGV[at], from)
  end
  call('PUBLISH', key, ARGV[from + KPI_WORDS] .. ',"seq":' .. seq .. '}')
  return 0
end

-- Words: id, 11 values.
local function write_device(at)
  local new, all = write_hash(DEVICE .. ARGV[at], DEVICE_FIELDS, at + 1)
  if new == all then
    call('SADD', IDX_DEVICE, ARGV[at])
  end
  return 0
end

local KINDS = {k = {write = write_kpi, words = 17}, d = {write = write_device, words = 12}}

-- apply: partition, expected position, new position, history, clock, number of tasks, tasks...; then of each
-- record: kind, task's number, origin offset, origin index, its words.
-- Returns {1, repeated records, overtaken records} or {0, the position that Redis has}.
local function apply()
  local partition, tasks = ARGV[2], tonumber(ARGV[7])
  local stored = call('HGET', POSITION, partition) or ''
  if stored ~= ARGV[3] then
    return {0, stored}
  end
  history = ARGV[5]
  local origin_key, offsets, indexes = ORIGIN .. partition, {}, {}
  if tasks > 0 then
    local known = call('HMGET', origin_key, unpack(ARGV, 8, 7 + tasks))
    for i = 1, tasks do
      local offset, index = string.match(known[i] or '', '^(%d+):(%d+)$')
      offsets[i], indexes[i] = tonumber(offset or '-1'), tonumber(index or '-1')
    end
  end
  local at, last, repeated, overtaken = 8 + tasks, #ARGV, 0, 0
  while at <= last do
    local kind, task = KINDS[ARGV[at]], tonumber(ARGV[at + 1])
    local offset, index = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    if offset > offsets[task] or (offset == offsets[task] and index > indexes[task]) then
      offsets[task], indexes[task] = offset, index
      overtaken = overtaken + kind.write(at + 4)
    else
      repeated = repeated + 1
    end
    at = at + 4 + kind.words
  end
  if tasks > 0 then
    local words = {}
    for i = 1, tasks do
      words[2 * i - 1] = ARGV[7 + i]
      words[2 * i] = string.format('%.0f:%.0f', offsets[i], indexes[i])
    end
    call('HSET', origin_key, unpack(words))
  end
  if ARGV[6] ~= '' then
    call('HSET', META, 'clock_ms', ARGV[6])
  end
  call('HSET', POSITION, partition, ARGV[4])
  return {1, repeated, overtaken}
end

-- hello: number of partitions. Returns install, generation, clock, heartbeat, then each position; '' where
-- there is none.
local function hello()
  local answer = call('HMGET', META, 'install', 'generation', 'clock_ms', 'heartbeat_ms')
  for i = 1, 4 do
    answer[i] = answer[i] or ''
  end
  for partition = 0, tonumber(ARGV[2]) - 1 do
    answer[5 + partition] = call('HGET', POSITION, partition) or ''
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
        write_boards(ARGV[k + 1], name, known[2] or '')
      end
    end
    if not used then
      call('SREM', IDX_SCOPE, scope)
    end
  end
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

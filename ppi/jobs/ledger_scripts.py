"""The scripts of the ledger in Redis. ARGV[1] is always the prefix of all keys.

A job is a hash `job:<id>`. `jobs`, `jobs:owner:<id>` and `jobs:lesson:<id>` are sorted by creation, `waiting:<queue>` too;
`running` is a set; `tally` counts jobs by `queue|status`. `file_job` keeps all of them true to the hash. `served:<queue>` of
a fair queue says when its owners were served last.
"""

FILE_JOB = """
local p = ARGV[1]
local function file_job(id, old_queue, old_status)
  local key = p .. 'job:' .. id
  local row = redis.call('HMGET', key, 'queue', 'status', 'created_s')
  local queue, status = row[1], row[2]
  if old_status then
    redis.call('ZREM', p .. 'waiting:' .. old_queue, id)
    redis.call('SREM', p .. 'running', id)
    redis.call('HINCRBY', p .. 'tally', old_queue .. '|' .. old_status, -1)
  end
  if status then
    if status == 'queued' then redis.call('ZADD', p .. 'waiting:' .. queue, row[3], id) end
    if status == 'running' then redis.call('SADD', p .. 'running', id) end
    redis.call('HINCRBY', p .. 'tally', queue .. '|' .. status, 1)
  end
end
"""

# ARGV: prefix, id, row as JSON. Nothing happens when the id is known.
SUBMIT = FILE_JOB + """
local id, row = ARGV[2], cjson.decode(ARGV[3])
local key = p .. 'job:' .. id
if redis.call('EXISTS', key) == 1 then return 0 end
for name, value in pairs(row) do redis.call('HSET', key, name, value) end
for _, index in ipairs({'jobs', 'jobs:owner:' .. row.owner_id, 'jobs:lesson:' .. row.lesson_id}) do
  redis.call('ZADD', p .. index, row.created_s, id)
end
file_job(id, nil, nil)
return 1
"""

# ARGV: prefix, id, conditions, updates, increments, all three as JSON. Progress never goes back, except to nothing.
CHANGE = FILE_JOB + """
local id = ARGV[2]
local key = p .. 'job:' .. id
if redis.call('EXISTS', key) == 0 then return false end
for name, wanted in pairs(cjson.decode(ARGV[3])) do
  if redis.call('HGET', key, name) ~= wanted then return false end
end
local old = redis.call('HMGET', key, 'queue', 'status', 'progress')
for name, value in pairs(cjson.decode(ARGV[4])) do
  local is_back = name == 'progress' and value ~= '0' and tonumber(value) < tonumber(old[3])
  if not is_back then redis.call('HSET', key, name, value) end
end
for name, amount in pairs(cjson.decode(ARGV[5])) do redis.call('HINCRBY', key, name, amount) end
file_job(id, old[1], old[2])
return redis.call('HGETALL', key)
"""

# ARGV: prefix, queues as JSON, limit, runner, host, place, clock fault, now, fair queues as JSON.
CLAIM = FILE_JOB + """
local queues, limit = cjson.decode(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now, fault = tonumber(time[1]) + tonumber(time[2]) / 1000000, tonumber(ARGV[7])
local is_ours = {}
for _, queue in ipairs(queues) do is_ours[queue] = true end
if limit > 0 then
  local busy = 0
  for _, id in ipairs(redis.call('SMEMBERS', p .. 'running')) do
    local row = redis.call('HMGET', p .. 'job:' .. id, 'queue', 'host')
    if row[2] == ARGV[5] and is_ours[row[1]] then busy = busy + 1 end
  end
  if busy >= limit then return false end
end
local is_fair = {}
for _, queue in ipairs(cjson.decode(ARGV[9])) do is_fair[queue] = true end
-- The job of a queue whose turn it is, and how old the oldest that is due is.
local function first_due(queue)
  local from, oldest, chosen, chosen_served = 0, nil, nil, nil
  while true do
    local ids = redis.call('ZRANGE', p .. 'waiting:' .. queue, from, from + 49)
    for _, id in ipairs(ids) do
      local row = redis.call('HMGET', p .. 'job:' .. id, 'not_before_s', 'place', 'created_s', 'owner_id')
      local wait_s = tonumber(row[1]) - now
      local is_due = wait_s <= 0 or wait_s > fault
      if is_due and (row[2] == '' or row[2] == ARGV[6]) then
        if not is_fair[queue] then return id, tonumber(row[3]) end
        local served = tonumber(redis.call('HGET', p .. 'served:' .. queue, row[4]) or '0')
        oldest = oldest or tonumber(row[3])
        if not chosen or served < chosen_served then chosen, chosen_served = id, served end
      end
    end
    if #ids < 50 then return chosen, oldest end
    from = from + 50
  end
end
local best, best_created = nil, nil
for _, queue in ipairs(queues) do
  local id, created = first_due(queue)
  if id and (not best or created < best_created or (created == best_created and id < best)) then
    best, best_created = id, created
  end
end
if not best then return false end
local key = p .. 'job:' .. best
local old = redis.call('HMGET', key, 'queue', 'attempt', 'attempts_base', 'started_s', 'owner_id')
if is_fair[old[1]] then redis.call('HSET', p .. 'served:' .. old[1], old[5], ARGV[8]) end
redis.call('HSET', key, 'status', 'running', 'runner', ARGV[4], 'host', ARGV[5], 'updated_s', ARGV[8])
if tonumber(old[2]) ~= tonumber(old[3]) then redis.call('HSET', key, 'progress', '0') end
if tonumber(old[4]) == 0 then redis.call('HSET', key, 'started_s', ARGV[8]) end
redis.call('HINCRBY', key, 'attempt', 1)
redis.call('HINCRBY', key, 'beats', 1)
file_job(best, old[1], 'queued')
return redis.call('HGETALL', key)
"""

# ARGV: prefix, lesson id. Answers the id of an active job, or nothing when all were forgotten.
REMOVE = FILE_JOB + """
local index = p .. 'jobs:lesson:' .. ARGV[2]
local ids = redis.call('ZRANGE', index, 0, -1)
for _, id in ipairs(ids) do
  local status = redis.call('HGET', p .. 'job:' .. id, 'status')
  if status == 'queued' or status == 'running' then return id end
end
for _, id in ipairs(ids) do
  local row = redis.call('HMGET', p .. 'job:' .. id, 'queue', 'status', 'owner_id')
  redis.call('DEL', p .. 'job:' .. id)
  if row[1] then
    file_job(id, row[1], row[2])
    redis.call('ZREM', p .. 'jobs', id)
    redis.call('ZREM', p .. 'jobs:owner:' .. row[3], id)
  end
end
redis.call('DEL', index)
return false
"""

# ARGV: prefix, chore, every_s. A turn taken in the future was taken by a clock that was set back since.
TURN = """
local key, time = ARGV[1] .. 'turn:' .. ARGV[2], redis.call('TIME')
local now, taken = tonumber(time[1]) + tonumber(time[2]) / 1000000, tonumber(redis.call('GET', key) or '-1')
if taken >= 0 and taken <= now and now - taken < tonumber(ARGV[3]) then return 0 end
redis.call('SET', key, string.format('%.6f', now))
return 1
"""

"""The scripts of lessons in Redis; see lessons_redis.py. ARGV[1] is always the prefix of all keys.

`file_lesson` keeps all lists true to the hash and gives them another version, `is_full` guards the quota. Redis runs a script
as a whole. Between the parts of what a list is sorted by stands "\\1".
"""

from __future__ import annotations

FILE_LESSON = """
local p = ARGV[1]
local function file_lesson(id, old_state)
  local now = redis.call('TIME')
  redis.call('SET', p .. 'lessons:version', now[1] .. '.' .. now[2])
  local row = redis.call('HMGET', p .. 'lesson:' .. id, 'owner_id', 'created_s', 'size_bytes', 'state', 'by_name', 'by_owner')
  local owner, created, size, state = row[1], row[2], row[3], row[4]
  if old_state then redis.call('ZREM', p .. 'lessons:state:' .. old_state, id) end
  if not owner then return end
  redis.call('ZADD', p .. 'lessons:state:' .. state, created, id)
  local is_shown = state ~= 'binned' and state ~= 'deleting'
  local by_size = string.format('%017.6f', created) .. '\\1' .. id
  local lists = {{'lessons', created, id}, {'lessons:size', size, by_size}}
  lists[3], lists[4] = {'lessons:name', 0, row[5]}, {'lessons:byowner', 0, row[6]}
  for _, list in ipairs(lists) do
    for _, key in ipairs({p .. list[1], p .. list[1] .. ':owner:' .. owner}) do
      if is_shown then redis.call('ZADD', key, list[2], list[3]) else redis.call('ZREM', key, list[3]) end
    end
  end
end
"""
# Whether an owner may not hold one more lesson of `size` bytes: 'full', 'heavy' or false. "" is no limit.
IS_FULL = """
local function is_full(owner, size, most_lessons, most_bytes)
  local key = p .. 'lessons:size:owner:' .. owner
  if most_lessons ~= '' and redis.call('ZCARD', key) >= tonumber(most_lessons) then return 'full' end
  if most_bytes == '' then return false end
  local held = tonumber(size)
  local found = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  for at = 2, #found, 2 do held = held + tonumber(found[at]) end
  return held > tonumber(most_bytes) and 'heavy'
end
"""
# ARGV: prefix, row as JSON, most lessons of the owner, most bytes. A row that is there already is kept.
RESERVE = FILE_LESSON + IS_FULL + """
local row = cjson.decode(ARGV[2])
if redis.call('EXISTS', p .. 'lesson:' .. row.id) == 1 then return 'ok' end
local full = is_full(row.owner_id, row.size_bytes, ARGV[3], ARGV[4])
if full then return full end
if redis.call('HSETNX', p .. 'prefixes', row.prefix, row.id) == 0 then return 'taken' end
for name, value in pairs(row) do redis.call('HSET', p .. 'lesson:' .. row.id, name, value) end
file_lesson(row.id, nil)
return 'ok'
"""
# ARGV: prefix, id, conditions, updates as JSON.
CHANGE = FILE_LESSON + """
local id = ARGV[2]
local key = p .. 'lesson:' .. id
if redis.call('EXISTS', key) == 0 then return false end
for name, wanted in pairs(cjson.decode(ARGV[3])) do
  if redis.call('HGET', key, name) ~= wanted then return false end
end
local old_state, updates = redis.call('HGET', key, 'state'), cjson.decode(ARGV[4])
for name, value in pairs(updates) do redis.call('HSET', key, name, value) end
if updates.state then file_lesson(id, old_state) end
return 1
"""
# ARGV: prefix, id, state, most lessons of the owner, most bytes.
BRING_BACK = FILE_LESSON + IS_FULL + """
local key = p .. 'lesson:' .. ARGV[2]
local row = redis.call('HMGET', key, 'state', 'owner_id', 'size_bytes')
if row[1] ~= 'binned' then return 'gone' end
local full = is_full(row[2], row[3], ARGV[4], ARGV[5])
if full then return full end
redis.call('HSET', key, 'state', ARGV[3], 'expires_s', '0.0')
file_lesson(ARGV[2], 'binned')
return 'ok'
"""
# ARGV: prefix, id, what it is sorted by in the lists by name and by owner. Versions before kept the bare id by size.
INDEX = FILE_LESSON + """
local key = p .. 'lesson:' .. ARGV[2]
local owner = redis.call('HGET', key, 'owner_id')
if not owner then return false end
redis.call('HSET', key, 'by_name', ARGV[3], 'by_owner', ARGV[4])
redis.call('ZREM', p .. 'lessons:size', ARGV[2])
redis.call('ZREM', p .. 'lessons:size:owner:' .. owner, ARGV[2])
file_lesson(ARGV[2], nil)
return 1
"""
# ARGV: prefix, id.
REMOVE = FILE_LESSON + """
local id = ARGV[2]
local key = p .. 'lesson:' .. id
local row = redis.call('HMGET', key, 'prefix', 'state')
if row[1] then
  redis.call('HSET', key, 'state', 'deleting')
  file_lesson(id, row[2])
  redis.call('ZREM', p .. 'lessons:state:deleting', id)
  redis.call('HDEL', p .. 'prefixes', row[1])
  redis.call('DEL', key)
end
for _, token in ipairs(redis.call('SMEMBERS', p .. 'links:' .. id)) do redis.call('DEL', p .. 'link:' .. token) end
redis.call('DEL', p .. 'links:' .. id, p .. 'linkof:' .. id)
"""

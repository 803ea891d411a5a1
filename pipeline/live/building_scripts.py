"""The Lua scripts by which counters are built, under a hold. The same keys as in `scripts.py`.

Hashes and sorted sets are staged under other names and take their places in one step. Strings are as many as there are
posts, too many for one step: they are changed where they are, after the counters were declared unbuilt. What they say
meanwhile is what they said before, or already what is right.

Each of them asks first whether the hold is still ours: whoever was stopped for too long must change nothing any more.
"""

from pipeline.live.scripts import THIS_RUN

BEGIN = (
    THIS_RUN
    + """
-- ARGV: token, whether there are strings (1 or 0)
if redis.pcall('GET', KEYS[3]) ~= ARGV[1] then return 'lost' end
if ARGV[2] == '1' then redis.call('DEL', KEYS[1], KEYS[2]) end
return this_run()
"""
)

DOOM = """
-- ARGV: token, seconds, strings as they were before the build: those that it does not place are swept
if redis.pcall('GET', KEYS[3]) ~= ARGV[1] then return 'lost' end
for _, key in ipairs(cjson.decode(ARGV[3])) do redis.call('EXPIRE', key, ARGV[2]) end
return 'doomed'
"""

PLACE = """
-- ARGV: token, common name of the strings, numbers {field: number, ...}
if redis.pcall('GET', KEYS[3]) ~= ARGV[1] then return 'lost' end
local before, after = string.match(ARGV[2], '^(.-)%*(.*)$')
for field, number in pairs(cjson.decode(ARGV[3])) do
    redis.call('SET', before .. field .. after, string.format('%.0f', number))
end
return 'placed'
"""

SWEEP = """
-- ARGV: token, strings
if redis.pcall('GET', KEYS[3]) ~= ARGV[1] then return 'lost' end
for _, key in ipairs(cjson.decode(ARGV[2])) do
    if redis.call('TTL', key) >= 0 then redis.call('UNLINK', key) end
end
return 'swept'
"""

REPLACE = (
    THIS_RUN
    + """
-- ARGV: token, the run that the build began in, mark, epoch, built_at, landmark, ids that are part of it,
-- keys to delete, staged [[name, key, expires_at], ...]
if redis.pcall('GET', KEYS[3]) ~= ARGV[1] or this_run() ~= ARGV[2] then return 'lost' end
local staged = cjson.decode(ARGV[9])
for _, each in ipairs(staged) do
    if redis.call('EXISTS', each[1]) == 0 then return 'lost' end
end
redis.call('DEL', KEYS[1], KEYS[2])
for _, key in ipairs(cjson.decode(ARGV[8])) do redis.call('UNLINK', key) end
for _, each in ipairs(staged) do
    local name, key, expires_at = unpack(each)
    redis.call('RENAME', name, key)
    redis.call('PERSIST', key)
    if expires_at ~= cjson.null then redis.call('EXPIREAT', key, expires_at) end
end
for _, id in ipairs(cjson.decode(ARGV[7])) do redis.call('SADD', KEYS[2], id) end
redis.call('HSET', KEYS[1], 'mark', ARGV[3], 'epoch', ARGV[4], 'built_at', ARGV[5], 'landmark', ARGV[6],
    'run', ARGV[2])
redis.call('DEL', KEYS[3])
return 'replaced'
"""
)

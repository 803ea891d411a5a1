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

_WALK = """
-- ARGV: token, cursor, how many keys to look at, pattern, common names of strings; returns the next cursor
if redis.pcall('GET', KEYS[3]) ~= ARGV[1] then return 'lost' end
local names = {}
for _, name in ipairs(cjson.decode(ARGV[5])) do names[#names + 1] = {string.match(name, '^(.-)%*(.*)$')} end
local function is_ours(key)
    for _, name in ipairs(names) do
        local before, after = #name[1], #name[2]
        if #key >= before + after and string.sub(key, 1, before) == name[1] and string.sub(key, -after) == name[2] then
            return true
        end
    end
    return false
end
local page = redis.call('SCAN', ARGV[2], 'MATCH', ARGV[4], 'COUNT', ARGV[3])
for _, key in ipairs(page[2]) do
    if is_ours(key) then
"""

_WALKED = """
    end
end
return page[1]
"""

# Strings as they were before the build. Those that it does not add again are swept at its end, or expire.
DOOM = _WALK + "redis.call('EXPIRE', key, ARGV[6])" + _WALKED
SWEEP = _WALK + "if redis.call('TTL', key) >= 0 then redis.call('UNLINK', key) end" + _WALKED

ADD = """
-- ARGV: token, seconds that what is staged is kept, members that a trend keeps,
-- parts [[kind, name, {field: number, ...}], ...]
if redis.pcall('GET', KEYS[3]) ~= ARGV[1] then return 'lost' end
local add = {}
function add.numbers(name, fields)
    local before, after = string.match(name, '^(.-)%*(.*)$')
    for field, number in pairs(fields) do
        redis.call('SET', before .. field .. after, string.format('%.0f', number))
    end
end
function add.hash(name, fields)
    for field, number in pairs(fields) do redis.call('HSET', name, field, string.format('%.0f', number)) end
    redis.call('EXPIRE', name, ARGV[2])
end
function add.scores(name, fields)
    for member, score in pairs(fields) do redis.call('ZADD', name, string.format('%.17g', score), member) end
    redis.call('EXPIRE', name, ARGV[2])
end
function add.trend(name, fields)
    add.scores(name, fields)
    redis.call('ZREMRANGEBYRANK', name, 0, -ARGV[3] - 1)
end
for _, part in ipairs(cjson.decode(ARGV[4])) do
    local kind, name, fields = unpack(part)
    add[kind](name, fields)
end
return 'added'
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

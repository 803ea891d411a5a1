"""The Lua scripts. Redis runs each as one step, so nobody ever sees half of it.

A script is not undone when it fails half-way. It can only do so where a key is of another type than ours, or a number
too large: then the state is deleted, which says that the counters must be built anew.

All of them get the same keys: the state (hash: mark, epoch, run, built_at), the ids that are applied (set), the hold.
A hold without an expiry is none of ours, and does not hold.
"""

_RUN = """
local function this_run()
    return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end
"""

STANDING = (
    _RUN
    + """
-- ARGV: the caller's own hold, or ''
if redis.call('PTTL', KEYS[3]) > 0 and redis.pcall('GET', KEYS[3]) ~= ARGV[1] then return {'held'} end
local state = redis.pcall('HMGET', KEYS[1], 'mark', 'epoch', 'run')
if state.err then return {'damaged'} end
if not (state[1] and state[2]) then return {'unbuilt'} end
if state[3] ~= this_run() then return {'restarted'} end
local applied = redis.pcall('SMEMBERS', KEYS[2])
if applied.err then return {'damaged'} end
return {'good', state[1], state[2], applied}
"""
)

APPLY = (
    _RUN
    + """
-- ARGV: the mark that was seen, the next one, ids to forget,
-- updates [[id, [[kind, key, expires_at, change], ...]], ...]
if redis.call('PTTL', KEYS[3]) > 0 then return 'held' end
local state = redis.pcall('HMGET', KEYS[1], 'mark', 'run')
if state.err or state[1] ~= ARGV[1] or state[2] ~= this_run() then return 'moved' end

local operations = {}
function operations.hash(key, fields)
    for field, number in pairs(fields) do
        if redis.call('HINCRBY', key, field, number) == 0 then redis.call('HDEL', key, field) end
    end
end

local function apply()
    for _, id in ipairs(cjson.decode(ARGV[3])) do redis.call('SREM', KEYS[2], id) end
    for _, update in ipairs(cjson.decode(ARGV[4])) do
        if redis.call('SADD', KEYS[2], update[1]) == 1 then
            for _, operation in ipairs(update[2]) do
                local kind, key, expires_at, change = unpack(operation)
                operations[kind](key, change)
                -- In the past it deletes the key, which is what is meant.
                if expires_at ~= cjson.null then redis.call('EXPIREAT', key, expires_at) end
            end
        end
    end
    redis.call('HSET', KEYS[1], 'mark', ARGV[2])
end

local whole, problem = pcall(apply)
if whole then return 'applied' end
redis.call('DEL', KEYS[1])
return 'damaged: ' .. tostring(type(problem) == 'table' and problem.err or problem)
"""
)

HOLD = """
-- ARGV: token, milliseconds
if redis.call('PTTL', KEYS[3]) > 0 then return 'held' end
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2])
return 'taken'
"""

RENEW = """
-- ARGV: token, milliseconds
if redis.pcall('GET', KEYS[3]) ~= ARGV[1] then return 'lost' end
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return 'renewed'
"""

RELEASE = """
-- ARGV: token
if redis.pcall('GET', KEYS[3]) ~= ARGV[1] then return 'lost' end
redis.call('DEL', KEYS[3])
return 'released'
"""

REPLACE = (
    _RUN
    + """
-- ARGV: token, mark, epoch, built_at, ids that are part of it, keys to delete, staged [[name, key, expires_at], ...]
if redis.pcall('GET', KEYS[3]) ~= ARGV[1] then return 'lost' end
local staged = cjson.decode(ARGV[7])
for _, each in ipairs(staged) do
    if redis.call('EXISTS', each[1]) == 0 then return 'lost' end
end
redis.call('DEL', KEYS[1], KEYS[2])
for _, key in ipairs(cjson.decode(ARGV[6])) do redis.call('DEL', key) end
for _, each in ipairs(staged) do
    local name, key, expires_at = unpack(each)
    redis.call('RENAME', name, key)
    redis.call('PERSIST', key)
    if expires_at ~= cjson.null then redis.call('EXPIREAT', key, expires_at) end
end
for _, id in ipairs(cjson.decode(ARGV[5])) do redis.call('SADD', KEYS[2], id) end
redis.call('HSET', KEYS[1], 'mark', ARGV[2], 'epoch', ARGV[3], 'built_at', ARGV[4], 'run', this_run())
redis.call('DEL', KEYS[3])
return 'replaced'
"""
)

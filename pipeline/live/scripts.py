"""The Lua scripts. Redis runs each as one step, so nobody ever sees half of it.

A script is not undone when it fails half-way. It can only do so where a key is of another type than ours, or a number
too large: then the state is deleted, which says that the counters must be built anew.

All of them get the same keys: the state (hash: mark, epoch, run, built_at, landmark), the ids that are applied (set),
the hold. A hold without an expiry is none of ours, and does not hold. Those by which counters are built are in
`building_scripts.py`.
"""

THIS_RUN = """
local function this_run()
    return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end
"""

STANDING = (
    THIS_RUN
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
    THIS_RUN
    + """
-- ARGV: the mark that was seen, the next one, ids to forget,
-- updates [[id, [[kind, key, expires_at, change, day], ...]], ...],
-- of a trend: the farthest day after the landmark, and before it, and how many members are kept
if redis.call('PTTL', KEYS[3]) > 0 then return 'held' end
local state = redis.pcall('HMGET', KEYS[1], 'mark', 'run', 'landmark')
if state.err or state[1] ~= ARGV[1] or state[2] ~= this_run() then return 'moved' end

local operations = {}
function operations.hash(key, fields)
    for field, number in pairs(fields) do
        if redis.call('HINCRBY', key, field, number) == 0 then redis.call('HDEL', key, field) end
    end
end
function operations.numbers(key, numbers)
    local before, after = string.match(key, '^(.-)%*(.*)$')
    for field, number in pairs(numbers) do
        local name = before .. field .. after
        if redis.call('INCRBY', name, number) == 0 then redis.call('DEL', name) end
    end
end
function operations.scores(key, scores)
    for member, number in pairs(scores) do
        if tonumber(redis.call('ZINCRBY', key, number, member)) == 0 then redis.call('ZREM', key, member) end
    end
end
function operations.trend(key, points, day)
    local age = day - tonumber(state[3])
    if age > tonumber(ARGV[5]) then error('too long after the landmark') end
    if age < -tonumber(ARGV[6]) then return end
    for member, number in pairs(points) do
        local score = redis.call('ZINCRBY', key, string.format('%.17g', number * 2 ^ age), member)
        if tonumber(score) <= 0 then redis.call('ZREM', key, member) end
    end
    local kept = tonumber(ARGV[7])
    if redis.call('ZCARD', key) > 2 * kept then redis.call('ZREMRANGEBYRANK', key, 0, -kept - 1) end
end

local function apply()
    for _, id in ipairs(cjson.decode(ARGV[3])) do redis.call('SREM', KEYS[2], id) end
    for _, update in ipairs(cjson.decode(ARGV[4])) do
        if redis.call('SADD', KEYS[2], update[1]) == 1 then
            for _, operation in ipairs(update[2]) do
                local kind, key, expires_at, change, day = unpack(operation)
                operations[kind](key, change, day)
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

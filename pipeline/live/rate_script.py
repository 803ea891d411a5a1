"""The Lua script of the rate limits. Redis runs it as one step, so replicas never admit the same last request twice."""

TAKE = """
-- KEYS: one hash for each quota of each request, {slot: requests admitted in it}.
-- ARGV: milliseconds of a slot, slots of a window, and numbers with blanks between them: for each request how many
-- quotas it has, and the limit of each.
-- Returns numbers, too: for each request 1 or 0, then for each of its quotas how many are left, and the milliseconds
-- until some of those that are used come back. One text is read much faster than hundreds of answers.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local width, slots = tonumber(ARGV[1]), tonumber(ARGV[2])
local slot = math.floor(now / width)

local function look(key)
    local fields = redis.pcall('HGETALL', key)
    if fields.err then redis.call('DEL', key); fields = {} end
    local used, oldest, over = 0, nil, {}
    for i = 1, #fields, 2 do
        local at = tonumber(fields[i])
        if at < slot - slots then
            over[#over + 1] = fields[i]
        else
            used = used + tonumber(fields[i + 1])
            if not oldest or at < oldest then oldest = at end
        end
    end
    return used, oldest, over
end

local function milliseconds_until(oldest)
    if not oldest then return 0 end
    return (oldest + slots + 1) * width - now
end

local answer, key, next_number = {}, 0, string.gmatch(ARGV[3], '%d+')
for quotas in next_number do
    quotas = tonumber(quotas)
    local admitted, seen = 1, {}
    for i = 1, quotas do
        local used, oldest, over = look(KEYS[key + i])
        local limit = tonumber(next_number())
        if used >= limit then admitted = 0 end
        seen[i] = {used, oldest, over, limit}
    end
    answer[#answer + 1] = admitted
    for i = 1, quotas do
        local used, oldest, over, limit = unpack(seen[i])
        if admitted == 1 then
            if #over > 0 then redis.call('HDEL', KEYS[key + i], unpack(over)) end
            redis.call('HINCRBY', KEYS[key + i], slot, 1)
            redis.call('PEXPIRE', KEYS[key + i], (slots + 2) * width)
            used, oldest = used + 1, oldest or slot
        end
        answer[#answer + 1] = math.max(0, limit - used)
        answer[#answer + 1] = milliseconds_until(oldest)
    end
    key = key + quotas
end
return table.concat(answer, ' ')
"""

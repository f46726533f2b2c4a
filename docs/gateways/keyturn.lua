-- Asks keyturn who sends a request. Whoever passes is told to the API by headers.

-- Whom keys and tokens have to be for. `scope=read` demands a scope, too.
local VERIFY = "http://127.0.0.1:8080/auth/v1/verify?resource=api&token=1"

-- What shows who it is.
local SHOWN = { "authorization", "x-api-key" }

-- What is not set here could be made up by the client.
local TOLD = {
    "authorization", -- The key stays here: the API gets an access token.
    "x-keyturn-subject",
    "x-keyturn-client",
    "x-keyturn-organization",
    "x-keyturn-scope",
    "x-keyturn-roles",
    "x-keyturn-user",
    "x-keyturn-expires",
}

-- HAProxy counts the values of a header from 0.
local function values(headers, name)
    local found = {}
    for _, value in pairs(headers[name] or {}) do
        found[#found + 1] = value
    end
    return found
end

local function refuse(txn, status, answer)
    local reply = txn:reply({ status = status })
    for _, name in ipairs({ "www-authenticate", "content-type", "x-request-id" }) do
        for _, value in ipairs(values(answer and answer.headers or {}, name)) do
            reply:add_header(name, value)
        end
    end
    reply:set_body(answer and answer.body or "")
    txn:done(reply)
end

core.register_action("keyturn", { "http-req" }, function(txn)
    local sent = txn.http:req_get_headers()
    -- The address of the client: what it wrote itself is left out.
    local asked = { ["x-forwarded-for"] = { txn.f:src() } }
    for _, name in ipairs(SHOWN) do
        if sent[name] then
            asked[name] = values(sent, name)
        end
    end

    local answer = core.httpclient():get({ url = VERIFY, headers = asked, timeout = 5000 })
    if not answer or answer.status ~= 200 then
        local status = answer and answer.status
        -- What is wrong between HAProxy and keyturn is not the client's fault.
        return refuse(txn, (status == 401 or status == 403 or status == 429) and status or 503, answer)
    end
    txn.http:req_del_header("x-api-key")
    for _, name in ipairs(TOLD) do
        txn.http:req_set_header(name, values(answer.headers, name)[1] or "")
    end
end)

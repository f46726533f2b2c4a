-- Asks keyturn who sends a request. Whoever passes is told to the API by headers.

-- Whom keys and tokens have to be for. `scope=read` demands a scope, too.
-- `origin` is where callers reach this server: their proofs (DPoP) have to be made for it.
local VERIFY = "http://127.0.0.1:8080/auth/v1/verify?resource=api&token=1&origin=http://127.0.0.1:8000"

-- What shows who it is.
local SHOWN = { "authorization", "x-api-key", "dpop" }

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
    local all = headers[name] or {}
    while all[#found] do
        found[#found + 1] = all[#found]
    end
    return found
end

local function refuse(txn, status, answer)
    local reply = txn:reply({ status = status })
    for _, name in ipairs({ "www-authenticate", "dpop-nonce", "content-type", "x-request-id" }) do
        for _, value in ipairs(values(answer and answer.headers or {}, name)) do
            reply:add_header(name, value)
        end
    end
    reply:set_body(answer and answer.body or "")
    txn:done(reply)
end

core.register_action("keyturn", { "http-req" }, function(txn)
    local sent = txn.http:req_get_headers()
    -- The address of the client, and what it asks for: what it wrote itself is left out.
    local asked = {
        ["x-forwarded-for"] = { txn.f:src() },
        ["x-forwarded-method"] = { txn.f:method() },
        ["x-forwarded-uri"] = { txn.f:pathq() },
    }
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
    local nonce = values(answer.headers, "dpop-nonce")[1]
    if nonce then
        txn:set_var("txn.keyturn_nonce", nonce)
    end
    txn.http:req_del_header("x-api-key")
    for _, name in ipairs(TOLD) do
        txn.http:req_set_header(name, values(answer.headers, name)[1] or "")
    end
end)

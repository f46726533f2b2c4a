// openid-client: every flow of a client that is written today.

import assert from "node:assert/strict";
import * as client from "openid-client";
import { importJWK } from "jose";
import { ACCESS_TOKEN, API_KEY, TOKEN_EXCHANGE, byKey, claims, registrar, run, world } from "./flows.mjs";

const { issuer, resource, public_client, clients } = world;

function discovered(id, metadata, authentication, options) {
  return client.discovery(new URL(issuer), id, metadata, authentication, options);
}

/** The client that proves itself by a secret in the header. */
function shop() {
  const { id, secret } = clients.basic;
  return discovered(id, secret, client.ClientSecretBasic(secret));
}

/** The resource server, which asks what tokens are worth. */
function api() {
  const { id, secret } = clients.api;
  return discovered(id, secret, client.ClientSecretBasic(secret));
}

function granted(config, parameters = {}, options = undefined) {
  return client.clientCredentialsGrant(config, { resource, scope: "read", ...parameters }, options);
}

/** A client that exchanges the key, and may refresh what it gets; with its first tokens. */
async function refreshable(options = undefined) {
  const { id, secret } = clients.refreshing;
  const config = await discovered(id, secret, client.ClientSecretBasic(secret));
  const subject = { subject_token: world.key.secret, subject_token_type: API_KEY };
  const asked = { ...subject, resource, scope: "read" };
  const tokens = await client.genericGrantRequest(config, TOKEN_EXCHANGE, asked, options);
  return { config, tokens };
}

function expectToken(tokens, id) {
  assert.equal(tokens.token_type, "bearer");
  assert.equal(tokens.scope, "read");
  // It counts down from the moment the answer came.
  const left = tokens.expiresIn();
  assert.ok(left > 300 && left <= 360, `${left} seconds`);
  assert.equal(claims(tokens.access_token).client_id, id);
}

async function refusedAs(error, attempt) {
  await assert.rejects(attempt, { error });
}

await run({
  async discovery() {
    for (const algorithm of ["oidc", "oauth2"]) {
      const config = await discovered("anyone", undefined, client.None(), { algorithm });
      const server = config.serverMetadata();
      assert.equal(server.issuer, issuer);
      assert.ok(server.supportsPKCE !== undefined);
      assert.ok(server.grant_types_supported.includes("client_credentials"));
    }
  },

  async client_secret_basic() {
    expectToken(await granted(await shop()), clients.basic.id);
  },

  async client_secret_post() {
    const { id, secret } = clients.post;
    const config = await discovered(id, secret, client.ClientSecretPost(secret));
    expectToken(await granted(config), id);
  },

  async private_key_jwt() {
    const { id, key } = clients.assertion;
    const authentication = client.PrivateKeyJwt(await importJWK(key, "ES256"));
    expectToken(await granted(await discovered(id, undefined, authentication)), id);
  },

  async api_key() {
    const { id, name, secret } = world.key;
    for (const presented of [name, id]) {
      for (const method of [client.ClientSecretBasic, client.ClientSecretPost]) {
        const config = await discovered(presented, secret, method(secret));
        expectToken(await granted(config), id);
      }
    }
  },

  async none() {
    const config = await discovered(public_client, undefined, client.None());
    const { refresh_token: token } = await byKey();
    const first = await client.refreshTokenGrant(config, token, { resource });
    const again = await client.refreshTokenGrant(config, token, { resource });
    assert.equal(claims(first.access_token).sub, `key:${world.key.id}`);
    assert.equal(claims(again.access_token).sub, `key:${world.key.id}`);
  },

  async refresh() {
    const { config, tokens: first } = await refreshable();
    const second = await client.refreshTokenGrant(config, first.refresh_token);
    const third = await client.refreshTokenGrant(config, second.refresh_token);
    assert.notEqual(second.refresh_token, first.refresh_token);
    assert.equal(claims(third.access_token).sub, claims(first.access_token).sub);
    await refusedAs("invalid_grant", client.refreshTokenGrant(config, first.refresh_token));
    await refusedAs("invalid_grant", client.refreshTokenGrant(config, third.refresh_token));
  },

  async dpop() {
    const { name, secret } = world.key;
    const config = await discovered(name, secret, client.ClientSecretBasic(secret));
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
    const own = await granted(config, { resource: issuer, scope: "keys:read" }, { DPoP });
    assert.equal(own.token_type, "dpop");
    const keys = new URL("/api/v1/api-keys", issuer);
    const ask = (options) =>
      client.fetchProtectedResource(config, own.access_token, keys, "GET", null, undefined, options);
    assert.equal((await ask({ DPoP })).status, 200);
    const other = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
    await assert.rejects(ask({ DPoP: other }), { status: 401 });
    await assert.rejects(ask(undefined), { status: 401 });
    const { config: other_client, tokens: first } = await refreshable({ DPoP });
    const refresh = first.refresh_token;
    const next = await client.refreshTokenGrant(other_client, refresh, {}, { DPoP });
    assert.equal(claims(next.access_token).cnf.jkt, await DPoP.calculateThumbprint());
  },

  async introspection() {
    const { access_token: token } = await granted(await shop());
    const answer = await client.tokenIntrospection(await api(), token);
    assert.equal(answer.active, true);
    assert.equal(answer.client_id, clients.basic.id);
    assert.equal(answer.scope, "read");
    assert.deepEqual(await client.tokenIntrospection(await api(), "nonsense"), { active: false });
  },

  async revocation() {
    const { config, tokens } = await refreshable();
    const { access_token: token, refresh_token: refresh } = tokens;
    await client.tokenRevocation(config, token);
    assert.deepEqual(await client.tokenIntrospection(await api(), token), { active: false });
    await client.tokenRevocation(config, refresh, { token_type_hint: "refresh_token" });
    await refusedAs("invalid_grant", client.refreshTokenGrant(config, refresh));
  },

  async token_exchange() {
    const config = await shop();
    const { access_token: wide } = await granted(config, { scope: "read write" });
    const subject = { subject_token: wide, subject_token_type: ACCESS_TOKEN };
    const asked = { ...subject, resource, scope: "read" };
    const narrow = await client.genericGrantRequest(config, TOKEN_EXCHANGE, asked);
    assert.equal(narrow.issued_token_type, ACCESS_TOKEN);
    assert.equal(narrow.scope, "read");
    const before = claims(wide);
    const after = claims(narrow.access_token);
    assert.equal(after.sub, before.sub);
    assert.ok(after.exp <= before.exp);
    const back = { subject_token: narrow.access_token, subject_token_type: ACCESS_TOKEN };
    const widened = { ...back, resource, scope: "read write" };
    const attempt = client.genericGrantRequest(config, TOKEN_EXCHANGE, widened);
    await refusedAs("invalid_scope", attempt);
  },

  async registration() {
    const said = {
      client_name: "registered by openid-client",
      grant_types: ["client_credentials"],
      token_endpoint_auth_method: "client_secret_post",
      scope: "read",
    };
    const register = (options) =>
      client.dynamicClientRegistration(new URL(issuer), said, undefined, options);
    const config = await register({ initialAccessToken: await registrar() });
    const registered = config.clientMetadata();
    assert.equal(registered.client_name, said.client_name);
    expectToken(await granted(config), registered.client_id);
    await assert.rejects(register(undefined), { status: 401 });
    said.scope = "read admin";
    await refusedAs("invalid_client_metadata", register({ initialAccessToken: await registrar() }));
  },
});

// oauth4webapi: the protocol without comfort, on both sides: a client and a resource server.

import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import { importJWK } from "jose";
import {
  ACCESS_TOKEN, API_KEY, TOKEN_EXCHANGE, byKey, claims, registrar, run, tampered, world,
} from "./flows.mjs";

const { issuer, resource, public_client, clients } = world;

async function server(algorithm = "oauth2") {
  const url = new URL(issuer);
  const response = await oauth.discoveryRequest(url, { algorithm });
  return oauth.processDiscoveryResponse(url, response);
}

const shop = { client_id: clients.basic.id };
const shopSecret = oauth.ClientSecretBasic(clients.basic.secret);
const refreshing = { client_id: clients.refreshing.id };
const refreshingSecret = oauth.ClientSecretBasic(clients.refreshing.secret);
const api = { client_id: clients.api.id };
const apiSecret = oauth.ClientSecretBasic(clients.api.secret);

async function granted(client, authentication, parameters = {}, options = undefined) {
  const as = await server();
  const asked = { resource, scope: "read", ...parameters };
  const answer = await oauth.clientCredentialsGrantRequest(
    as, client, authentication, asked, options,
  );
  return oauth.processClientCredentialsResponse(as, client, answer);
}

/** The tokens of a client that exchanges the key, and may refresh them. */
async function refreshable() {
  const as = await server();
  const asked = { subject_token: world.key.secret, subject_token_type: API_KEY, resource };
  const answer = await oauth.genericTokenEndpointRequest(
    as, refreshing, refreshingSecret, TOKEN_EXCHANGE, asked,
  );
  return oauth.processGenericTokenEndpointResponse(as, refreshing, answer);
}

async function refreshed(client, authentication, token, options) {
  const as = await server();
  const answer = await oauth.refreshTokenGrantRequest(as, client, authentication, token, options);
  return oauth.processRefreshTokenResponse(as, client, answer);
}

async function introspected(token, options) {
  const as = await server();
  const answer = await oauth.introspectionRequest(as, api, apiSecret, token, options);
  const said = await oauth.processIntrospectionResponse(as, api, answer);
  if (options?.requestJwtResponse) await oauth.validateApplicationLevelSignature(as, answer);
  return said;
}

async function revoked(token) {
  const as = await server();
  const answer = await oauth.revocationRequest(as, refreshing, refreshingSecret, token);
  await oauth.processRevocationResponse(answer);
}

/** What a resource server gets to see. */
function call(token, scheme = "Bearer", proof = undefined) {
  const headers = new Headers({ authorization: `${scheme} ${token}` });
  if (proof) headers.set("dpop", proof);
  return new Request("https://api.example.com/things", { headers });
}

/** What a gateway asks that has received this request. */
function askedByGateway(url, request) {
  const headers = new Headers(request.headers);
  headers.set("x-forwarded-method", request.method);
  headers.set("x-forwarded-uri", url.pathname);
  const wanted = new URLSearchParams({ resource, origin: url.origin });
  return fetch(`${issuer}/auth/v1/verify?${wanted}`, { headers });
}

async function worksFor(id, authentication) {
  const tokens = await granted({ client_id: id }, authentication);
  assert.equal(tokens.token_type, "bearer");
  assert.equal(tokens.expires_in, 360);
  assert.equal(claims(tokens.access_token).client_id, id);
}

await run({
  async discovery() {
    const oidc = await server("oidc");
    const oauth2 = await server("oauth2");
    assert.equal(oidc.token_endpoint, oauth2.token_endpoint);
    const own = new URL(issuer);
    const response = await oauth.resourceDiscoveryRequest(own);
    const described = await oauth.processResourceDiscoveryResponse(own, response);
    assert.deepEqual(described.authorization_servers, [issuer]);
  },

  async client_secret_basic() {
    await worksFor(clients.basic.id, shopSecret);
  },

  async client_secret_post() {
    await worksFor(clients.post.id, oauth.ClientSecretPost(clients.post.secret));
  },

  async private_key_jwt() {
    const key = await importJWK(clients.assertion.key, "ES256");
    await worksFor(clients.assertion.id, oauth.PrivateKeyJwt(key));
  },

  async api_key() {
    const { id, secret } = world.key;
    await worksFor(id, oauth.ClientSecretBasic(secret));
    await worksFor(id, oauth.ClientSecretPost(secret));
  },

  async verification() {
    const as = await server();
    const { access_token: token } = await granted(shop, shopSecret);
    const said = await oauth.validateJwtAccessToken(as, call(token), resource);
    assert.equal(said.sub, `client:${clients.basic.id}`);
    assert.equal(said.scope, "read");
    const refused = (token, audience) =>
      assert.rejects(oauth.validateJwtAccessToken(as, call(token), audience));
    await refused(tampered(token), resource);
    await refused(token, "https://other.example.com");
  },

  async none() {
    const client = { client_id: public_client };
    const { refresh_token: token } = await byKey();
    const asked = { additionalParameters: { resource } };
    const tokens = await refreshed(client, oauth.None(), token, asked);
    assert.equal(claims(tokens.access_token).sub, `key:${world.key.id}`);
  },

  async refresh() {
    const first = await refreshable();
    const second = await refreshed(refreshing, refreshingSecret, first.refresh_token);
    const replayed = await refreshed(refreshing, refreshingSecret, first.refresh_token);
    assert.equal(replayed.refresh_token, second.refresh_token);
    const third = await refreshed(refreshing, refreshingSecret, second.refresh_token);
    const stolen = refreshed(refreshing, refreshingSecret, first.refresh_token);
    await assert.rejects(stolen, { error: "invalid_grant" });
    const ended = refreshed(refreshing, refreshingSecret, third.refresh_token);
    await assert.rejects(ended, { error: "invalid_grant" });
  },

  async dpop() {
    const as = await server();
    const keys = await oauth.generateKeyPair("ES256", { extractable: true });
    const DPoP = oauth.DPoP(shop, keys);
    const tokens = await granted(shop, shopSecret, {}, { DPoP });
    assert.equal(tokens.token_type, "dpop");
    let seen;
    const things = new URL("https://api.example.com/things");
    await oauth.protectedResourceRequest(tokens.access_token, "GET", things, undefined, null, {
      DPoP,
      [oauth.customFetch]: (url, options) => {
        seen = new Request(url, options);
        return Promise.resolve(new Response());
      },
    });
    const said = await oauth.validateJwtAccessToken(as, seen, resource, { requireDPoP: true });
    assert.equal(said.cnf.jkt, await DPoP.calculateThumbprint());
    const bare = call(tokens.access_token);
    await assert.rejects(oauth.validateJwtAccessToken(as, bare, resource));
    const passed = await askedByGateway(things, seen);
    assert.equal(passed.status, 200, await passed.text());
    assert.equal((await askedByGateway(things, seen)).status, 401);
  },

  async introspection() {
    const { access_token: token } = await granted(shop, shopSecret);
    const plain = await introspected(token);
    const signed = await introspected(token, { requestJwtResponse: true });
    assert.equal(plain.active, true);
    assert.equal(plain.iss, issuer);
    assert.deepEqual(signed, plain);
    assert.deepEqual(await introspected("nonsense"), { active: false });
  },

  async revocation() {
    const tokens = await refreshable();
    await revoked(tokens.access_token);
    await revoked("never existed");
    assert.deepEqual(await introspected(tokens.access_token), { active: false });
    await revoked(tokens.refresh_token);
    const ended = refreshed(refreshing, refreshingSecret, tokens.refresh_token);
    await assert.rejects(ended, { error: "invalid_grant" });
  },

  async token_exchange() {
    const as = await server();
    const { access_token: actor } = await granted(shop, shopSecret);
    const { access_token: subject } = await byKey();
    const asked = {
      subject_token: subject,
      subject_token_type: ACCESS_TOKEN,
      actor_token: actor,
      actor_token_type: ACCESS_TOKEN,
      resource,
    };
    const answer = await oauth.genericTokenEndpointRequest(
      as, shop, shopSecret, TOKEN_EXCHANGE, asked,
    );
    const tokens = await oauth.processGenericTokenEndpointResponse(as, shop, answer);
    assert.equal(tokens.issued_token_type, ACCESS_TOKEN);
    const said = claims(tokens.access_token);
    assert.equal(said.sub, `key:${world.key.id}`);
    assert.equal(said.act.sub, `client:${clients.basic.id}`);
  },

  async registration() {
    const as = await server();
    const said = { grant_types: ["client_credentials"], scope: "read" };
    const initialAccessToken = await registrar();
    const answer = await oauth.dynamicClientRegistrationRequest(as, said, { initialAccessToken });
    const registered = await oauth.processDynamicClientRegistrationResponse(answer);
    const secret = oauth.ClientSecretBasic(registered.client_secret);
    const tokens = await granted(registered, secret);
    assert.equal(claims(tokens.access_token).client_id, registered.client_id);
    const headers = { authorization: `Bearer ${registered.registration_access_token}` };
    const itself = (method) => fetch(registered.registration_client_uri, { method, headers });
    const seen = await (await itself("GET")).json();
    assert.equal(seen.token_endpoint_auth_method, "client_secret_basic");
    assert.equal((await itself("DELETE")).status, 204);
    await assert.rejects(granted(registered, secret), { status: 401 });
  },
});

// jose: verifies what the server signs, and signs what it must verify.

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import * as jose from "jose";
import { run, tampered, world } from "./flows.mjs";

const { issuer, resource, clients } = world;
const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
const keys = jose.createRemoteJWKSet(new URL(metadata.jwks_uri));

async function post(form, headers = {}) {
  const body = new URLSearchParams({ grant_type: "client_credentials", resource, ...form });
  const answer = await fetch(metadata.token_endpoint, { method: "POST", body, headers });
  return { status: answer.status, ...(await answer.json()) };
}

function byShop(headers = {}) {
  const { id, secret } = clients.basic;
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
  return post({}, { authorization, ...headers });
}

function verify(token, audience = resource) {
  return jose.jwtVerify(token, keys, { issuer, audience, typ: "at+jwt", maxTokenAge: "6m" });
}

async function proof(pair, payload = {}) {
  const jwk = await jose.exportJWK(pair.publicKey);
  return new jose.SignJWT({ htm: "POST", htu: metadata.token_endpoint, ...payload })
    .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk })
    .setIssuedAt()
    .setJti(randomUUID())
    .sign(pair.privateKey);
}

await run({
  async verification() {
    const { access_token: token } = await byShop();
    const { payload, protectedHeader } = await verify(token);
    assert.equal(payload.sub, `client:${clients.basic.id}`);
    const jwks = await (await fetch(metadata.jwks_uri)).json();
    const key = jwks.keys.find(({ kid }) => kid === protectedHeader.kid);
    assert.equal(await jose.calculateJwkThumbprint(key), protectedHeader.kid);
    await assert.rejects(verify(tampered(token)), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
    await assert.rejects(verify(token, "https://other.example.com"), { claim: "aud" });
  },

  async private_key_jwt() {
    const { id, key } = clients.assertion;
    const assertion = await new jose.SignJWT()
      .setProtectedHeader({ alg: "ES256" })
      .setIssuer(id)
      .setSubject(id)
      .setAudience(issuer)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime("1m")
      .sign(await jose.importJWK(key, "ES256"));
    const form = {
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: assertion,
    };
    const first = await post(form);
    const { payload } = await verify(first.access_token);
    assert.equal(payload.client_id, id);
    const again = await post(form);
    assert.deepEqual([again.status, again.error], [401, "invalid_client"]);
  },

  async dpop() {
    const pair = await jose.generateKeyPair("ES256", { extractable: true });
    const made = await proof(pair);
    const answer = await byShop({ dpop: made });
    const { payload } = await verify(answer.access_token);
    assert.equal(answer.token_type, "DPoP");
    const jwk = await jose.exportJWK(pair.publicKey);
    assert.equal(payload.cnf.jkt, await jose.calculateJwkThumbprint(jwk));
    assert.equal((await byShop({ dpop: made })).error, "invalid_dpop_proof");
  },
});

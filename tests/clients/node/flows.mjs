// Runs the flows that are asked for, in this order, and names each that went well.

import { readFileSync } from "node:fs";

/** The server, and what it has for us: JSON on standard input. */
export const world = JSON.parse(readFileSync(0, "utf8"));

/** Runs the flows named by the arguments. The first that fails ends the run. */
export async function run(flows) {
  for (const name of process.argv.slice(2)) {
    if (!flows[name]) throw new Error(`there is no flow ${name}`);
    try {
      await flows[name]();
    } catch (error) {
      throw new Error(`${name} failed`, { cause: error });
    }
    console.log(name);
  }
}

/** What our own door gives for the key: its access token, and a refresh token. */
export async function byKey() {
  const { name, secret } = world.key;
  const body = new URLSearchParams({ name, secret, resource: world.resource });
  const answer = await fetch(`${world.issuer}/auth/v1/api-key/token`, { method: "POST", body });
  return answer.json();
}

/** A token of the key that may register clients. */
export async function registrar() {
  const asked = { ...world.registrar, resource: world.issuer, scope: "clients:write" };
  const body = new URLSearchParams(asked);
  const answer = await fetch(`${world.issuer}/auth/v1/api-key/token`, { method: "POST", body });
  return (await answer.json()).access_token;
}

/** What a token says, unverified. */
export function claims(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
}

/** The token with another payload and the signature of its own. */
export function tampered(token) {
  const [header, , signature] = token.split(".");
  const payload = JSON.stringify({ ...claims(token), scope: "read write admin" });
  return [header, Buffer.from(payload).toString("base64url"), signature].join(".");
}

export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
export const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
export const API_KEY = "urn:keyturn:params:oauth:token-type:api-key";

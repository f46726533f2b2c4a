"""Authlib: a session of requests, and the validator of a resource server."""

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6750.errors import InvalidTokenError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import ECKey

from flows import (
    ACCESS_TOKEN, API_KEY, CLIENTS, ISSUER, KEY, RESOURCE, TOKEN_EXCHANGE, WORLD, by_key, claims, flow, refused,
    run, tampered,
)

METADATA = requests.get(get_well_known_url(ISSUER, external=True), timeout=30).json()
TOKEN_ENDPOINT = METADATA["token_endpoint"]


def session(client, method, **more):
    """A session of one of our clients."""
    return OAuth2Session(
        client["id"], client.get("secret"), token_endpoint_auth_method=method,
        token_endpoint=TOKEN_ENDPOINT, scope="read", **more,
    )


def shop():
    """The client that proves itself by a secret in the header."""
    return session(CLIENTS["basic"], "client_secret_basic")


def granted(of, **parameters):
    """A token for the client itself."""
    return of.fetch_token(grant_type="client_credentials", resource=RESOURCE, **parameters)


def refreshable():
    """The tokens of a client that exchanges the key, and may refresh them."""
    of = session(CLIENTS["refreshing"], "client_secret_basic")
    return of, of.fetch_token(
        grant_type=TOKEN_EXCHANGE, subject_token=KEY["secret"], subject_token_type=API_KEY,
        resource=RESOURCE,
    )


def works(of, client):
    """The client gets what it asks for."""
    token = granted(of)
    assert token["token_type"] == "Bearer" and token["expires_in"] == 360, token
    assert claims(token["access_token"])["client_id"] == client["id"]


def introspected(token):
    """What the resource server hears of a token."""
    api = session(CLIENTS["api"], "client_secret_basic")
    answer = api.introspect_token(METADATA["introspection_endpoint"], token=token)
    answer.raise_for_status()
    return answer.json()


class Api(JWTBearerTokenValidator):
    """A resource server by RFC 9068."""

    def get_jwks(self):
        return requests.get(METADATA["jwks_uri"], timeout=30).json()


@flow
def discovery():
    server = AuthorizationServerMetadata(METADATA)
    assert server["issuer"] == ISSUER
    # It takes an empty list of response types for none.
    for name in server.REGISTRY_KEYS:
        if name != "response_types_supported" and hasattr(server, f"validate_{name}"):
            getattr(server, f"validate_{name}")()


@flow
def client_secret_basic():
    works(shop(), CLIENTS["basic"])


@flow
def client_secret_post():
    works(session(CLIENTS["post"], "client_secret_post"), CLIENTS["post"])


@flow
def private_key_jwt():
    # It writes the token endpoint as the audience, so the client is registered to be allowed that.
    client = CLIENTS["older_assertion"]
    key = ECKey.import_key(client["key"])
    of = session({"id": client["id"], "secret": key}, "private_key_jwt")
    of.register_client_auth_method(PrivateKeyJWT(TOKEN_ENDPOINT, alg="ES256"))
    works(of, client)


@flow
def api_key():
    for presented in [KEY["name"], KEY["id"]]:
        for method in ["client_secret_basic", "client_secret_post"]:
            works(session({"id": presented, "secret": KEY["secret"]}, method), KEY)


@flow
def verification():
    token = granted(shop())["access_token"]
    api = Api(ISSUER, RESOURCE)
    api.validate_token(api.authenticate_token(token), ["read"], None)
    refused(InvalidTokenError, lambda: api.authenticate_token(tampered(token)))
    other = Api(ISSUER, "https://other.example.com")
    found = other.authenticate_token(token)
    refused(InvalidTokenError, lambda: other.validate_token(found, ["read"], None))


@flow
def none():
    of = session({"id": WORLD["public_client"]}, "none")
    token = of.refresh_token(refresh_token=by_key()["refresh_token"], resource=RESOURCE)
    assert claims(token["access_token"])["sub"] == f"key:{KEY['id']}"


@flow
def refresh():
    of, token = refreshable()
    first = token["refresh_token"]
    second = of.refresh_token(refresh_token=first)["refresh_token"]
    assert second != first
    of.refresh_token(refresh_token=second)
    refusal = refused(OAuthError, lambda: of.refresh_token(refresh_token=first))
    assert refusal.error == "invalid_grant", refusal


@flow
def introspection():
    token = granted(shop())["access_token"]
    said = introspected(token)
    assert said["active"] is True and said["client_id"] == CLIENTS["basic"]["id"], said
    assert introspected("nonsense") == {"active": False}


@flow
def revocation():
    of, token = refreshable()
    of.revoke_token(METADATA["revocation_endpoint"], token=token["access_token"]).raise_for_status()
    assert introspected(token["access_token"]) == {"active": False}
    gone = of.revoke_token(METADATA["revocation_endpoint"], token=token["refresh_token"])
    gone.raise_for_status()
    attempt = lambda: of.refresh_token(refresh_token=token["refresh_token"])
    assert refused(OAuthError, attempt).error == "invalid_grant"


@flow
def token_exchange():
    of = shop()
    wide = granted(of, scope="read write")["access_token"]
    narrow = of.fetch_token(
        grant_type=TOKEN_EXCHANGE, subject_token=wide, subject_token_type=ACCESS_TOKEN,
        resource=RESOURCE, scope="read",
    )
    assert narrow["issued_token_type"] == ACCESS_TOKEN
    before, after = claims(wide), claims(narrow["access_token"])
    assert after["scope"] == "read" and after["sub"] == before["sub"]
    assert after["exp"] <= before["exp"]


run()

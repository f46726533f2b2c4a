"""requests-oauthlib: what scripts of many years use."""

import requests
from oauthlib.oauth2 import BackendApplicationClient, InvalidGrantError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from flows import (
    ACCESS_TOKEN, API_KEY, CLIENTS, ISSUER, KEY, RESOURCE, TOKEN_EXCHANGE, WORLD, by_key, claims, flow, refused,
    run,
)

METADATA = requests.get(f"{ISSUER}/.well-known/oauth-authorization-server", timeout=30).json()
TOKEN_ENDPOINT = METADATA["token_endpoint"]
SHOP = HTTPBasicAuth(CLIENTS["basic"]["id"], CLIENTS["basic"]["secret"])
REFRESHING = HTTPBasicAuth(CLIENTS["refreshing"]["id"], CLIENTS["refreshing"]["secret"])
API = HTTPBasicAuth(CLIENTS["api"]["id"], CLIENTS["api"]["secret"])


class Exchanging(BackendApplicationClient):
    """A client by a grant that the library does not know: it says which, and the form is its own."""

    grant_type = TOKEN_EXCHANGE


def session(client_id, kind=BackendApplicationClient):
    """A session of a program that acts for itself."""
    return OAuth2Session(client=kind(client_id=client_id, scope=["read"]))


def works(client, client_id, **proof):
    """The client gets what it asks for."""
    token = session(client_id).fetch_token(TOKEN_ENDPOINT, resource=RESOURCE, **proof)
    assert token["token_type"] == "Bearer" and token["scope"] == ["read"], token
    assert claims(token["access_token"])["client_id"] == client["id"]


def granted():
    """A token of the client that has a secret for the header, and its session."""
    of = session(CLIENTS["basic"]["id"])
    return of, of.fetch_token(TOKEN_ENDPOINT, auth=SHOP, resource=RESOURCE)


def refreshable():
    """The tokens of a client that exchanges the key, and may refresh them, and its session."""
    of = session(CLIENTS["refreshing"]["id"], Exchanging)
    return of, of.fetch_token(
        TOKEN_ENDPOINT, auth=REFRESHING, resource=RESOURCE, subject_token=KEY["secret"],
        subject_token_type=API_KEY,
    )


def introspected(token):
    """What the resource server hears of a token: the library has no words of its own for it."""
    endpoint = METADATA["introspection_endpoint"]
    answer = requests.post(endpoint, auth=API, data={"token": token}, timeout=30)
    answer.raise_for_status()
    return answer.json()


def revoked(token, hint):
    """Ends a token."""
    client = BackendApplicationClient(client_id=CLIENTS["refreshing"]["id"])
    endpoint = METADATA["revocation_endpoint"]
    url, headers, body = client.prepare_token_revocation_request(endpoint, token, hint)
    answer = requests.post(url, headers=headers, data=body, auth=REFRESHING, timeout=30)
    answer.raise_for_status()


@flow
def client_secret_basic():
    works(CLIENTS["basic"], CLIENTS["basic"]["id"], auth=SHOP)


@flow
def client_secret_post():
    client = CLIENTS["post"]
    proof = {"client_secret": client["secret"], "include_client_id": True}
    works(client, client["id"], **proof)


@flow
def api_key():
    for presented in [KEY["name"], KEY["id"]]:
        works(KEY, presented, client_secret=KEY["secret"])
        works(KEY, presented, client_secret=KEY["secret"], include_client_id=True)


@flow
def none():
    of = session(WORLD["public_client"])
    asked = {"client_id": WORLD["public_client"], "resource": RESOURCE}
    token = of.refresh_token(TOKEN_ENDPOINT, refresh_token=by_key()["refresh_token"], **asked)
    assert claims(token["access_token"])["sub"] == f"key:{KEY['id']}"


@flow
def refresh():
    of, first = refreshable()
    refreshed = lambda token: of.refresh_token(
        TOKEN_ENDPOINT, refresh_token=token["refresh_token"], auth=REFRESHING
    )
    first = dict(first)
    second = dict(refreshed(first))
    third = dict(refreshed(second))
    assert len({it["refresh_token"] for it in [first, second, third]}) == 3
    refused(InvalidGrantError, lambda: refreshed(first))
    refused(InvalidGrantError, lambda: refreshed(third))


@flow
def introspection():
    _, token = granted()
    said = introspected(token["access_token"])
    assert said["active"] is True and said["scope"] == "read", said
    assert introspected("nonsense") == {"active": False}


@flow
def revocation():
    of, token = refreshable()
    token = dict(token)
    revoked(token["access_token"], "access_token")
    assert introspected(token["access_token"]) == {"active": False}
    revoked(token["refresh_token"], "refresh_token")
    attempt = lambda: of.refresh_token(
        TOKEN_ENDPOINT, refresh_token=token["refresh_token"], auth=REFRESHING
    )
    refused(InvalidGrantError, attempt)


@flow
def token_exchange():
    _, token = granted()
    exchanged = session(CLIENTS["basic"]["id"], Exchanging).fetch_token(
        TOKEN_ENDPOINT, auth=SHOP, resource=RESOURCE, subject_token=token["access_token"],
        subject_token_type=ACCESS_TOKEN,
    )
    assert exchanged["issued_token_type"] == ACCESS_TOKEN
    assert claims(exchanged["access_token"])["sub"] == claims(token["access_token"])["sub"]


run()

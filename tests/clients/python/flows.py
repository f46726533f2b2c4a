"""Runs the flows that are asked for, in this order, and names each that went well."""

import base64
import json
import sys

import requests

# The server, and what it has for us: JSON on standard input.
WORLD = json.load(sys.stdin)
ISSUER = WORLD["issuer"]
RESOURCE = WORLD["resource"]
CLIENTS = WORLD["clients"]
KEY = WORLD["key"]

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
API_KEY = "urn:keyturn:params:oauth:token-type:api-key"
JWT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

flows = {}


def flow(function):
    """Makes a function a flow, by its name."""
    flows[function.__name__] = function
    return function


def run():
    """Runs the flows named by the arguments. The first that fails ends the run."""
    for name in sys.argv[1:]:
        flows[name]()
        print(name, flush=True)


def by_key():
    """What our own door gives for the key: its access token, and a refresh token."""
    form = {"name": KEY["name"], "secret": KEY["secret"], "resource": RESOURCE}
    answer = requests.post(f"{ISSUER}/auth/v1/api-key/token", data=form, timeout=30)
    answer.raise_for_status()
    return answer.json()


def claims(token):
    """What a token says, unverified."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def encoded(data):
    """Base64url as JOSE has it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def tampered(token):
    """The token with another payload and the signature of its own."""
    header, _, signature = token.split(".")
    payload = {**claims(token), "scope": "read write admin"}
    return ".".join([header, encoded(json.dumps(payload).encode()), signature])


def refused(error, attempt):
    """Tells whether the attempt fails by this exception, and returns it."""
    try:
        attempt()
    except error as refusal:
        return refusal
    raise AssertionError(f"nobody refused by {error}")

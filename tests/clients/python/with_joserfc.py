"""joserfc: verifies what the server signs, and signs what it must verify."""

import time
import uuid

import requests
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidClaimError
from joserfc.jwk import ECKey, KeySet

from flows import CLIENTS, ISSUER, JWT_ASSERTION, RESOURCE, flow, refused, run, tampered

METADATA = requests.get(f"{ISSUER}/.well-known/oauth-authorization-server", timeout=30).json()
TOKEN_ENDPOINT = METADATA["token_endpoint"]
KEYS = KeySet.import_key_set(requests.get(METADATA["jwks_uri"], timeout=30).json())


def post(form, headers=None, auth=None):
    """A request for a token of the client itself."""
    form = {"grant_type": "client_credentials", "resource": RESOURCE, **form}
    return requests.post(TOKEN_ENDPOINT, data=form, headers=headers, auth=auth, timeout=30)


def by_shop(headers=None):
    """The same by the client that has a secret for the header."""
    client = CLIENTS["basic"]
    answer = post({}, headers, (client["id"], client["secret"]))
    answer.raise_for_status()
    return answer.json()


def verify(token, audience=RESOURCE):
    """What a token says, to whom it is for."""
    verified = jwt.decode(token, KEYS, algorithms=["ES256", "RS256"])
    assert verified.header["typ"] == "at+jwt"
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": audience},
        exp={"essential": True}, iat={"essential": True}, sub={"essential": True},
    )
    registry.validate(verified.claims)
    return verified.claims


@flow
def verification():
    token = by_shop()["access_token"]
    assert verify(token)["sub"] == f"client:{CLIENTS['basic']['id']}"
    refused(BadSignatureError, lambda: verify(tampered(token)))
    refused(InvalidClaimError, lambda: verify(token, "https://other.example.com"))
    for key in KEYS.keys:
        assert key.kid == key.thumbprint()


@flow
def private_key_jwt():
    client, now = CLIENTS["assertion"], int(time.time())
    said = {
        "iss": client["id"], "sub": client["id"], "aud": ISSUER, "iat": now, "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }
    assertion = jwt.encode({"alg": "ES256"}, said, ECKey.import_key(client["key"]))
    form = {"client_assertion_type": JWT_ASSERTION, "client_assertion": assertion}
    answer = post(form)
    answer.raise_for_status()
    assert verify(answer.json()["access_token"])["client_id"] == client["id"]
    assert post(form).json()["error"] == "invalid_client"


@flow
def dpop():
    key = ECKey.generate_key("P-256", private=True)
    said = {"htm": "POST", "htu": TOKEN_ENDPOINT, "iat": int(time.time()), "jti": "joserfc"}
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    answer = by_shop({"DPoP": jwt.encode(header, said, key)})
    assert answer["token_type"] == "DPoP"
    assert verify(answer["access_token"])["cnf"] == {"jkt": key.thumbprint()}


run()

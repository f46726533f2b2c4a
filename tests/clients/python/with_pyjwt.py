"""PyJWT: verifies what the server signs, and signs what it must verify."""

import hashlib
import time
import uuid

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from flows import (
    CLIENTS, ISSUER, JWT_ASSERTION, RESOURCE, claims, encoded, flow, refused, run, tampered,
)

METADATA = requests.get(f"{ISSUER}/.well-known/oauth-authorization-server", timeout=30).json()
TOKEN_ENDPOINT = METADATA["token_endpoint"]
KEYS = jwt.PyJWKClient(METADATA["jwks_uri"])


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
    return jwt.decode(
        token, KEYS.get_signing_key_from_jwt(token), algorithms=["ES256", "RS256"], issuer=ISSUER,
        audience=audience, options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
    )


@flow
def verification():
    token = by_shop()["access_token"]
    assert verify(token)["sub"] == f"client:{CLIENTS['basic']['id']}"
    refused(jwt.InvalidSignatureError, lambda: verify(tampered(token)))
    refused(jwt.InvalidAudienceError, lambda: verify(token, "https://other.example.com"))


@flow
def private_key_jwt():
    client, now = CLIENTS["assertion"], int(time.time())
    said = {
        "iss": client["id"], "sub": client["id"], "aud": ISSUER, "iat": now, "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }
    key = jwt.PyJWK(client["key"], algorithm="ES256").key
    assertion = jwt.encode(said, key, algorithm="ES256")
    form = {"client_assertion_type": JWT_ASSERTION, "client_assertion": assertion}
    answer = post(form)
    answer.raise_for_status()
    assert verify(answer.json()["access_token"])["client_id"] == client["id"]
    assert post(form).json()["error"] == "invalid_client"


@flow
def dpop():
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    public = {name: jwk[name] for name in ["crv", "kty", "x", "y"]}
    said = {"htm": "POST", "htu": TOKEN_ENDPOINT, "iat": int(time.time()), "jti": "pyjwt"}
    proof = jwt.encode(said, key, algorithm="ES256", headers={"typ": "dpop+jwt", "jwk": public})
    token = by_shop({"DPoP": proof})
    assert token["token_type"] == "DPoP"
    canonical = ",".join(f'"{name}":"{value}"' for name, value in sorted(public.items()))
    thumbprint = encoded(hashlib.sha256(("{" + canonical + "}").encode()).digest())
    assert claims(token["access_token"])["cnf"] == {"jkt": thumbprint}


run()

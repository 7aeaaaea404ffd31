"""Authlib as Debian ships it, used as its documentation says."""

import json
import os
import sys

from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
import requests

ISSUER = os.environ["ISSUER"]
CLIENT_ID = os.environ["CLIENT_ID"]
CLIENT_SECRET = os.environ.get("CLIENT_SECRET")
REDIRECT_URI = os.environ["REDIRECT_URI"]
SCOPE = os.environ.get("SCOPE", "openid profile email offline_access")


def browse(address):
    """Sends the person to an address, and gives the address that their browser ends at."""
    print("BROWSE", address)
    return sys.stdin.readline().strip()


def discover():
    found = requests.get(ISSUER + "/.well-known/openid-configuration", timeout=10).json()
    # Authlib wants https in every address; what is checked is everything else.
    OpenIDProviderMetadata({name: value.replace("http://", "https://") if isinstance(value, str) else value for name, value in found.items()}).validate()
    return found


def session(method="none", **more):
    return OAuth2Session(
        CLIENT_ID, CLIENT_SECRET, scope=SCOPE, redirect_uri=REDIRECT_URI, token_endpoint_auth_method=method, code_challenge_method="S256", **more)


def sign_in(client, server):
    verifier = generate_token(48)
    nonce = generate_token(20)
    address, _ = client.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
    tokens = client.fetch_token(server["token_endpoint"], authorization_response=browse(address), code_verifier=verifier)
    return tokens, nonce


def claims_of(server, tokens, nonce):
    keys = JsonWebKey.import_key_set(requests.get(server["jwks_uri"], timeout=10).json())
    claims = jwt.decode(
        tokens["id_token"], keys, claims_cls=CodeIDToken,
        claims_options={"iss": {"values": [server["issuer"]]}, "aud": {"values": [CLIENT_ID]}}, claims_params={"nonce": nonce, "client_id": CLIENT_ID})
    claims.validate()
    return claims


def error_of(call):
    try:
        call()
    except OAuthError as problem:
        return problem.error
    return "none"


def code():
    server = discover()
    client = session()
    tokens, nonce = sign_in(client, server)
    claims = claims_of(server, tokens, nonce)
    person = client.get(server["userinfo_endpoint"]).json()
    return {"type": tokens["token_type"], "email": person["email"], "same_subject": person["sub"] == claims["sub"]}


def refresh():
    server = discover()
    client = session()
    tokens, _ = sign_in(client, server)
    refreshed = client.refresh_token(server["token_endpoint"], refresh_token=tokens["refresh_token"])
    again = error_of(lambda: client.refresh_token(server["token_endpoint"], refresh_token="not-a-token"))
    return {"rotated": refreshed["refresh_token"] != tokens["refresh_token"], "unknown": again}


def revocation():
    server = discover()
    client = session()
    tokens, _ = sign_in(client, server)
    status = client.revoke_token(server["revocation_endpoint"], token=tokens["refresh_token"], token_type_hint="refresh_token").status_code
    return {"status": status, "refresh": error_of(lambda: client.refresh_token(server["token_endpoint"], refresh_token=tokens["refresh_token"]))}


def secret():
    server = discover()
    tokens, nonce = sign_in(session("client_secret_basic"), server)
    claims_of(server, tokens, nonce)
    posted = session("client_secret_post").refresh_token(server["token_endpoint"], refresh_token=tokens["refresh_token"])
    return {"first": tokens["token_type"], "second": posted["token_type"]}


def introspection():
    server = discover()
    client = session("client_secret_basic")
    tokens, _ = sign_in(client, server)
    before = client.introspect_token(server["introspection_endpoint"], token=tokens["access_token"], token_type_hint="access_token").json()
    client.revoke_token(server["revocation_endpoint"], token=tokens["refresh_token"])
    after = client.introspect_token(server["introspection_endpoint"], token=tokens["access_token"], token_type_hint="access_token").json()
    return {"before": before["active"], "client": before["client_id"] == CLIENT_ID, "after": after}


def client_credentials():
    server = discover()
    tokens = session("client_secret_basic").fetch_token(server["token_endpoint"], grant_type="client_credentials")
    return {"type": tokens["token_type"], "refresh": tokens.get("refresh_token", "none")}


print(json.dumps(globals()[sys.argv[1]](), separators=(",", ":")))

"""An authorization server of Debian's Authlib and Flask, as their documentation says. It answers by query alone, names no issuer in its
answers, signs with RS256, and knows neither pushed requests nor proofs of possession: a plain provider. Settings come from the environment; see AuthlibServer.cs."""

import os
import secrets
import sys
import threading
import time
from urllib.parse import urlsplit

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.jose import JsonWebKey
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, jsonify, redirect, request, session
from markupsafe import escape

ISSUER = os.environ["ISSUER"]

key = JsonWebKey.generate_key("RSA", 2048, {"kid": "tests", "use": "sig", "alg": "RS256"}, is_private=True)
codes, tokens, nonces = {}, [], set()
seconds = 3600


class Client(ClientMixin):
    client_id = "terminal"

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return None

    def get_allowed_scope(self, scope):
        return " ".join(name for name in (scope or "").split() if name in ("openid", "profile", "email", "offline_access"))

    def check_redirect_uri(self, redirect_uri):
        # RFC 8252 section 7.3: any port
        return (urlsplit(redirect_uri).hostname, urlsplit(redirect_uri).path) == ("127.0.0.1", "/callback")

    def check_client_secret(self, client_secret):
        return False

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "none"

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type in ("authorization_code", "refresh_token")


class Code:
    def __init__(self, **values):
        self.__dict__.update(values)

    def is_expired(self):
        return self.auth_time + 60 < time.time()

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope

    def get_nonce(self):
        return self.nonce

    def get_auth_time(self):
        return self.auth_time


class Token(dict):
    def check_client(self, client):
        return self["client_id"] == client.get_client_id()

    def get_scope(self):
        return self["scope"]

    def get_expires_in(self):
        return self["expires_in"]

    def is_expired(self):
        return self["issued_at"] + self["expires_in"] < time.time()

    def is_revoked(self):
        return self.get("revoked", False)


class AuthorizationCodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]

    def save_authorization_code(self, code, request):
        nonces.add(request.data.get("nonce"))
        codes[code] = Code(
            code=code, client_id=request.client.client_id, redirect_uri=request.redirect_uri, scope=request.scope, nonce=request.data.get("nonce"), user=request.user,
            auth_time=int(time.time()), code_challenge=request.data.get("code_challenge"), code_challenge_method=request.data.get("code_challenge_method"))

    def query_authorization_code(self, code, client):
        found = codes.get(code)
        return found if found and found.client_id == client.client_id and not found.is_expired() else None

    def delete_authorization_code(self, authorization_code):
        codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code):
        return authorization_code.user


class OpenID(OpenIDCode):
    def exists_nonce(self, nonce, request):
        return nonce in nonces

    def get_jwt_config(self, grant):
        return {"key": key, "alg": "RS256", "iss": ISSUER, "exp": 600}

    def generate_user_info(self, user, scope):
        return UserInfo(sub=user, name=f"The person {user}", preferred_username=user)


class RefreshTokenGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        return next((token for token in tokens if token.get("refresh_token") == refresh_token and not token.is_revoked()), None)

    def authenticate_user(self, credential):
        return credential["user"]

    def revoke_old_credential(self, credential):
        credential["revoked"] = True


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = ["none"]

    def query_token(self, token_string, token_type_hint):
        return next((token for token in tokens if token_string in (token.get("refresh_token"), token["access_token"])), None)

    def revoke_token(self, token, request):
        token["revoked"] = True


def save_token(token, request):
    user = request.user
    token["expires_in"] = seconds
    tokens.append(Token(token, client_id=request.client.client_id, user=user, issued_at=time.time()))
    print("GRANT", request.form["grant_type"], flush=True)


app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)
app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
server = AuthorizationServer(app, query_client=lambda client_id: Client() if client_id == Client.client_id else None, save_token=save_token)
server.register_grant(AuthorizationCodeGrant, [OpenID(require_nonce=True), CodeChallenge(required=True)])
server.register_grant(RefreshTokenGrant)
server.register_endpoint(Revocation)


@app.get("/.well-known/openid-configuration")
def metadata():
    return jsonify(
        issuer=ISSUER, authorization_endpoint=ISSUER + "/authorize", token_endpoint=ISSUER + "/token", revocation_endpoint=ISSUER + "/revoke", userinfo_endpoint=ISSUER + "/userinfo",
        jwks_uri=ISSUER + "/jwks", response_types_supported=["code"], response_modes_supported=["query"], grant_types_supported=["authorization_code", "refresh_token"],
        code_challenge_methods_supported=["S256"], token_endpoint_auth_methods_supported=["none"], id_token_signing_alg_values_supported=["RS256"], subject_types_supported=["public"],
        scopes_supported=["openid", "profile", "email", "offline_access"])


@app.get("/jwks")
def jwks():
    return jsonify(keys=[key.as_dict(is_private=False)])


@app.route("/authorize", methods=["GET", "POST"])
def authorize():
    if request.method == "POST" and "username" in request.form:
        session["user"] = request.form["username"]
        return redirect(request.full_path, code=303)
    if "user" not in session:
        return '<!doctype html><title>Sign in</title><form method="post"><input name="username"><button name="act" value="sign-in">Sign in</button></form>'
    if request.method == "GET":
        server.get_consent_grant(end_user=session["user"])
        return f'<!doctype html><title>Consent</title><p>{escape(session["user"])}</p><form method="post"><button name="act" value="allow">Allow</button></form>'
    return server.create_authorization_response(grant_user=session["user"])


@app.post("/token")
def token():
    return server.create_token_response()


@app.post("/revoke")
def revoke():
    return server.create_endpoint_response(Revocation.ENDPOINT_NAME)


@app.get("/userinfo")
def userinfo():
    presented = request.headers.get("Authorization", "").removeprefix("Bearer ")
    found = next((token for token in tokens if token["access_token"] == presented and not token.is_revoked()), None)
    if found is None:
        return jsonify(error="invalid_token"), 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return jsonify(sub=found["user"], name=f"The person {found['user']}", preferred_username=found["user"])


def take_seconds():
    """How many seconds an access token lasts is what the test said last."""
    global seconds
    for line in sys.stdin:
        seconds = int(line.split()[1])
        print("SAID seconds", seconds, flush=True)


threading.Thread(target=take_seconds, daemon=True).start()
print("LISTENING", flush=True)
app.run("127.0.0.1", int(os.environ["PORT"]), threaded=True)

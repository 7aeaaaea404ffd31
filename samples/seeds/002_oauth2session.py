"""Document 002: the flow with requests-oauthlib, which keeps and compares the state by itself.

The redirect URI is an https address where nothing listens: the browser shows an error, and the person copies the address from
its address bar. Settings (environment): ISSUER, CLIENT_ID, REDIRECT_URI; OAUTHLIB_INSECURE_TRANSPORT=1 while ISSUER is an
http address on loopback. The last line of the output is the token response as JSON.
"""

import base64
import hashlib
import json
import os
import secrets
import webbrowser

from requests_oauthlib import OAuth2Session

issuer = os.environ.get("ISSUER", "http://127.0.0.1:8080")
client_id = os.environ["CLIENT_ID"]
authorization_base_url = f"{issuer}/authorize"
token_url = f"{issuer}/token"
redirect_uri = os.environ.get("REDIRECT_URI", "https://localhost:9000/callback")
scope = ["openid", "profile", "email"]


def generate_pkce_pair():
    # 64 bytes are 86 characters: within the 43 to 128 of RFC 7636 section 4.1.
    code_verifier = base64.urlsafe_b64encode(secrets.token_bytes(64)).rstrip(b"=").decode("utf-8")
    digest = hashlib.sha256(code_verifier.encode("utf-8")).digest()
    code_challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode("utf-8")
    return code_verifier, code_challenge


def main():
    code_verifier, code_challenge = generate_pkce_pair()
    oauth = OAuth2Session(client_id, redirect_uri=redirect_uri, scope=scope)

    authorization_url, state = oauth.authorization_url(
        authorization_base_url,
        code_challenge=code_challenge,
        code_challenge_method="S256",
    )
    print("Open this address in a browser:", authorization_url)
    webbrowser.open(authorization_url)

    redirect_response = input("Paste the address that it ended at: ").strip()

    # The library raises MismatchingStateError when the state of the pasted address is not the one that it sent.
    token = oauth.fetch_token(
        token_url,
        authorization_response=redirect_response,
        include_client_id=True,
        code_verifier=code_verifier,
    )
    print("\nThe tokens:")
    print(json.dumps(token))


if __name__ == "__main__":
    main()

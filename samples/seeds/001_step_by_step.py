"""Document 001: the five steps of the flow, one after the other, and its four pitfalls to try.

Settings (environment): ISSUER, CLIENT_ID, REDIRECT_URI. --pitfall NAME makes one of the document's mistakes on purpose.
"""

import argparse
import base64
import hashlib
import os
import secrets
from urllib.parse import parse_qs, urlparse

# The document calls requests.post without this line: NameError.
import requests

PITFALLS = {
    "plain": "ask with code_challenge_method=plain",
    "other-verifier": "redeem with a verifier that the challenge was not made from",
    "no-redirect-uri": "leave redirect_uri out at the token endpoint",
    "client-secret": "send a client_secret as a public client",
}
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--pitfall", choices=PITFALLS, help="; ".join(f"{name}: {what}" for name, what in PITFALLS.items()))
pitfall = parser.parse_args().pitfall

# Step 1: the registration
issuer = os.environ.get("ISSUER", "http://127.0.0.1:8080")
client_id = os.environ["CLIENT_ID"]
redirect_uri = os.environ.get("REDIRECT_URI", "https://your-app.example/callback")

# Step 2: the verifier and its challenge
code_verifier = secrets.token_urlsafe(32)
code_challenge = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode("utf-8")).digest()).rstrip(b"=")
code_challenge = code_challenge.decode("utf-8")

# Step 3: send the person to the authorization server. No state and no offline_access, as in the document.
code_challenge_method = "plain" if pitfall == "plain" else "S256"
authorization_url = (
    issuer + "/authorize"
    "?response_type=code"
    "&client_id={}"
    "&redirect_uri={}"
    "&scope=openid%20profile%20email"
    "&code_challenge={}"
    "&code_challenge_method={}"
).format(client_id, redirect_uri, code_challenge, code_challenge_method)
print("Open this address in a browser:", authorization_url)

# Step 4: the answer. The document has a fixed address here; the person pastes the one that the browser ended at.
redirect_response = input("Paste the address that it ended at: ").strip()
parsed_url = urlparse(redirect_response)
answer = parse_qs(parsed_url.query)
if "code" not in answer:
    # The document takes the code without looking: KeyError when the server refused.
    raise SystemExit(f"\nError: {answer.get('error', ['no code in this address'])[0]}")
code = answer["code"][0]

# Step 5: the code for tokens
token_url = issuer + "/token"
token_data = {
    "grant_type": "authorization_code",
    "code": code,
    "redirect_uri": redirect_uri,
    "client_id": client_id,
    "code_verifier": code_verifier,
}
if pitfall == "other-verifier":
    token_data["code_verifier"] = secrets.token_urlsafe(32)
elif pitfall == "no-redirect-uri":
    del token_data["redirect_uri"]
elif pitfall == "client-secret":
    token_data["client_secret"] = "a secret that everyone who has the program can read"

response = requests.post(token_url, data=token_data)
if response.status_code == 200:
    tokens = response.json()
    print("\nAccess Token:", tokens["access_token"])
    # Not in the document's code but in its picture: step 7 brings both.
    print("Refresh Token:", tokens.get("refresh_token"))
else:
    print("\nError:", response.json())
    raise SystemExit(1)

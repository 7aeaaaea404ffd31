"""Document 003: its three steps, authorization URL, exchange with the verifier, errors handled.

The document calls a vendor's SDK, which speaks to that vendor's server only. The two methods that it uses are written out here
with requests, under their names and parameters; the same steps in C# are in ../document-003.cs. What the document's own code
gets as answers is shown by 003_table.py.

Settings (environment): ISSUER, CLIENT_ID, REDIRECT_URI. The last line of the output is the token response as JSON.
"""

import hashlib
import hmac
import json
import os
import secrets
import sys
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlencode, urlparse

import requests

ISSUER = os.environ.get("ISSUER", "http://127.0.0.1:8080")
CLIENT_ID = os.environ["CLIENT_ID"]
REDIRECT_URI = os.environ.get("REDIRECT_URI", "https://your-app.example/callback")


class SignInFailed(Exception):
    """What the server, or our own check of its answer, refused."""


def get_authorization_url(redirect_uri, state, code_challenge):
    # The document's connection_id chooses a vendor's identity provider: there is no such thing here.
    return f"{ISSUER}/authorize?" + urlencode({
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": redirect_uri,
        "scope": "openid profile email",
        "state": state,
        "code_challenge": code_challenge,
        # Not in the document. Left out it means plain (RFC 7636 section 4.3), which the server refuses.
        "code_challenge_method": "S256",
    })


def authenticate_with_code(code, code_verifier):
    response = requests.post(f"{ISSUER}/token", timeout=10, data={
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "client_id": CLIENT_ID,
        "code_verifier": code_verifier,
    })
    body = response.json()
    if not response.ok:
        raise SignInFailed(body.get("error"))
    return body


def code_of(address, state):
    answer = {name: values[0] for name, values in parse_qs(urlparse(address).query).items()}
    if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
        raise SignInFailed("this address does not answer our request")
    if answer.get("iss", ISSUER) != ISSUER:  # RFC 9207 section 2.4
        raise SignInFailed("this address comes from another server")
    if "code" not in answer:
        raise SignInFailed(answer.get("error", "no code in this address"))
    return answer["code"]


def main():
    # The document's os.urandom(64).encode('base64') is Python 2 (in Python 3 bytes have no encode: AttributeError), and what it
    # gave there has line breaks, + and / in it, which no verifier may have. These are the same 64 bytes as 86 characters.
    code_verifier = urlsafe_b64encode(os.urandom(64)).rstrip(b"=").decode("ascii")
    # The document encodes the hexadecimal digest: 88 characters that no server compares with. The 32 bytes are what counts.
    code_challenge = urlsafe_b64encode(hashlib.sha256(code_verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
    # The document's state is a constant, so every answer looks like an answer to us: a new one for each request.
    state = secrets.token_urlsafe(32)

    print("Open this address in a browser:", get_authorization_url(REDIRECT_URI, state, code_challenge))
    try:
        code = code_of(input("Paste the address that it ended at: ").strip(), state)
        tokens = authenticate_with_code(code=code, code_verifier=code_verifier)
    except SignInFailed as refused:
        print(f"\nNot signed in: {refused}")
        sys.exit(5)
    except requests.RequestException as unavailable:
        print(f"\nThe server cannot be reached, try again: {type(unavailable).__name__}")
        sys.exit(6)
    print("\nThe tokens:")
    print(json.dumps(tokens))


if __name__ == "__main__":
    main()

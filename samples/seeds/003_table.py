"""Document 003: what its code gets as answers, sent as the document writes it. One row per mistake, then the repaired request.

The rows about the authorization request need nobody. The last two exchange a code, so a person signs in for each: the program
prints an address and reads the one that the browser ended at.

Settings (environment): ISSUER, CLIENT_ID, REDIRECT_URI. Output: one line per row, "name: answer".
"""

import codecs
import hashlib
import os
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlencode, urlparse

import requests

ISSUER = os.environ.get("ISSUER", "http://127.0.0.1:8080")
CLIENT_ID = os.environ["CLIENT_ID"]
REDIRECT_URI = os.environ.get("REDIRECT_URI", "https://your-app.example/callback")


def challenge_of(verifier):
    return urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode("ascii")


def request_url(**pkce):
    return f"{ISSUER}/authorize?" + urlencode({
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": "openid profile email",
        "state": "dj1kUXc0dzlXZ1hjUQ==",
        **pkce,
    })


def answer_to_request(**pkce):
    response = requests.get(request_url(**pkce), allow_redirects=False, timeout=10)
    answer = parse_qs(urlparse(response.headers.get("Location", "")).query)
    return answer.get("error", [f"no error (HTTP {response.status_code})"])[0]


def answer_to_exchange(verifier):
    print("Open this address in a browser:", request_url(code_challenge=challenge_of(verifier), code_challenge_method="S256"))
    address = input("Paste the address that it ended at: ").strip()
    print()
    response = requests.post(f"{ISSUER}/token", timeout=10, data={
        "grant_type": "authorization_code",
        "code": parse_qs(urlparse(address).query)["code"][0],
        "redirect_uri": REDIRECT_URI,
        "client_id": CLIENT_ID,
        "code_verifier": verifier,
    })
    return "tokens" if response.ok else response.json()["error"]


def made_by_python_3():
    try:
        return os.urandom(64).encode("base64")
    except AttributeError as error:
        return type(error).__name__


def made_by_python_2():
    # The same bytes that str.encode('base64') gave: standard alphabet, a line break after 76 characters and at the end.
    return codecs.encode(os.urandom(64), "base64")


def main():
    good = urlsafe_b64encode(os.urandom(64)).rstrip(b"=")
    hex_digest = urlsafe_b64encode(hashlib.sha256(good).hexdigest().encode("ascii")).decode("ascii")

    print("verifier line in Python 3:", made_by_python_3())
    print("no code_challenge_method:", answer_to_request(code_challenge=challenge_of(good)))
    print("hex digest, no method:", answer_to_request(code_challenge=hex_digest))
    print("hex digest, S256:", answer_to_request(code_challenge=hex_digest, code_challenge_method="S256"))
    print("verifier of Python 2:", answer_to_exchange(made_by_python_2()))
    print("repaired:", answer_to_exchange(good))


if __name__ == "__main__":
    main()

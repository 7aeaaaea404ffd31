"""Document 000, first program: sign in from a terminal, with a listener of our own on localhost.

Settings (environment): ISSUER, CLIENT_ID, REDIRECT_URI. The last line of the output is the token response as JSON.
"""

import base64
import hashlib
import json
import os
import secrets
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

import requests


def generate_verifier(length=96):
    # The document says 128. It counts bytes, and 128 bytes are 171 characters of base64url, above the 128 characters that
    # RFC 7636 section 4.1 allows: the server refuses the exchange. 96 bytes are the 128 characters that were meant.
    return base64.urlsafe_b64encode(secrets.token_bytes(length)).decode("utf-8").rstrip("=")


def generate_challenge(verifier):
    digest = hashlib.sha256(verifier.encode("utf-8")).digest()
    return base64.urlsafe_b64encode(digest).decode("utf-8").rstrip("=")


class AuthCallbackHandler(BaseHTTPRequestHandler):
    """Keeps the code that the browser brings back."""

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        if "code" in query:
            self.server.auth_code = query["code"][0]
            self.answer(200, "text/html", b"<!doctype html><title>Done</title><p>The terminal has the code. This window can be closed.")
        else:
            self.answer(400, "text/plain", b"There is no code in this address.")

    def answer(self, status, content_type, body):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass  # the request line has the code in it


def main():
    # 1. Settings
    issuer = os.environ.get("ISSUER", "http://127.0.0.1:8080")
    client_id = os.environ["CLIENT_ID"]
    redirect_uri = os.environ.get("REDIRECT_URI", "http://localhost:8000/callback")
    auth_endpoint = f"{issuer}/authorize"
    token_endpoint = f"{issuer}/token"

    # 2. The verifier stays in this process; only its digest travels with the request
    verifier = generate_verifier()
    challenge = generate_challenge(verifier)

    # 3. The authorization request. It has no state, as in the document: PKCE alone ties the answer to this process.
    params = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "scope": "openid profile email",
    }
    print("Open this address in a browser:")
    print(f"{auth_endpoint}?{urllib.parse.urlencode(params)}")

    # 4. Listen for the redirect
    listen = urllib.parse.urlparse(redirect_uri)
    server = HTTPServer((listen.hostname, listen.port), AuthCallbackHandler)
    # The document says server.handle_forever, which does not exist (AttributeError): the method is serve_forever.
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    # 5. Wait for the person
    input("Press Enter when the browser says that it is done. ")

    # 6. The code and the verifier for tokens
    if not hasattr(server, "auth_code"):
        raise RuntimeError("No code came back.")

    token_data = {
        "grant_type": "authorization_code",
        "code": server.auth_code,
        "redirect_uri": redirect_uri,
        "client_id": client_id,
        "code_verifier": verifier,
    }
    token_response = requests.post(token_endpoint, data=token_data)
    token_response.raise_for_status()
    tokens = token_response.json()
    print("\nThe tokens:")
    print(json.dumps(tokens))


if __name__ == "__main__":
    main()

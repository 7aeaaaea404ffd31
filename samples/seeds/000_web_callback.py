"""Document 000, second program: the same sign-in for a small web application.

The document's program ends when it has printed the address, and its text says what is left to do: keep the verifier in the
person's session, redeem the code at the token endpoint, keep the verifier out of logs and addresses. The part below the line
"What the document leaves to the reader" does that with the standard library's web server.

Settings (environment): ISSUER, CLIENT_ID, REDIRECT_URI, and API_URL, an API to call with the access token (default: userinfo).
"""

import base64
import hashlib
import html
import os
import secrets
import urllib.parse
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

ISSUER = os.environ.get("ISSUER", "http://127.0.0.1:8080")
CLIENT_ID = os.environ["CLIENT_ID"]
REDIRECT_URI = os.environ.get("REDIRECT_URI", "http://localhost:5000/callback")
SCOPES = ["openid", "profile", "email"]
API_URL = os.environ.get("API_URL", f"{ISSUER}/userinfo")


def pkce_verifier():
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("utf-8").rstrip("=")


def pkce_challenge(verifier):
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode("utf-8").rstrip("=")


def authorize_url():
    verifier = pkce_verifier()
    challenge = pkce_challenge(verifier)
    params = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "scope": " ".join(SCOPES),
    }
    return f"{ISSUER}/authorize?{requests.compat.urlencode(params)}", verifier


# --- What the document leaves to the reader -------------------------------------------------------------------------------

SESSIONS = {}  # session id (the cookie) -> {"verifier": …} on the way, {"access_token": …} when signed in


def redeem(code, verifier):
    """The tokens, or None with the server's error when it refuses."""
    response = requests.post(f"{ISSUER}/token", timeout=10, data={
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "client_id": CLIENT_ID,
        "code_verifier": verifier,
    })
    body = response.json()
    return (body, None) if response.ok else (None, body.get("error"))


class WebApplication(BaseHTTPRequestHandler):
    def do_GET(self):
        address = urllib.parse.urlparse(self.path)
        if address.path == "/":
            self.home()
        elif address.path == "/login":
            self.login()
        elif address.path == urllib.parse.urlparse(REDIRECT_URI).path:
            self.callback(urllib.parse.parse_qs(address.query))
        else:
            self.page(404, "There is nothing here.")

    def home(self):
        access_token = SESSIONS.get(self.session_id(), {}).get("access_token")
        if access_token is None:
            self.page(200, '<a href="/login">Sign in</a>')
            return
        # The browser never sees the token: this program makes the call and shows the answer.
        answer = requests.get(API_URL, headers={"Authorization": f"Bearer {access_token}"}, timeout=10)
        self.page(200, f"<p>The API says {answer.status_code}:</p><pre>{html.escape(answer.text)}</pre>")

    def login(self):
        url, verifier = authorize_url()
        SESSIONS.pop(self.session_id(), None)
        self.redirect(url, self.new_session({"verifier": verifier}))

    def callback(self, query):
        # The verifier of this browser's session and no other: a code that somebody else's request produced does not fit it,
        # which is what state would be for (RFC 9700 section 2.1.1). It is taken out, so it serves one answer only.
        verifier = SESSIONS.pop(self.session_id(), {}).get("verifier")
        if verifier is None:
            self.page(400, 'This browser did not ask to sign in. <a href="/login">Sign in</a>')
            return
        # RFC 9207: the answer names who gave it, so that a code of another server is not sent to ours.
        if query.get("iss", [ISSUER]) != [ISSUER]:
            self.page(400, "This answer comes from another server.")
            return
        if "code" not in query:
            self.page(400, f'Not signed in: {html.escape(query.get("error", ["no code came back"])[0])}.')
            return
        tokens, error = redeem(query["code"][0], verifier)
        if tokens is None:
            self.page(400, f"Not signed in: {html.escape(str(error))}.")
            return
        # A new session id: one that was known before the sign-in must not be worth more after it.
        self.redirect("/", self.new_session({"access_token": tokens["access_token"]}))

    def session_id(self):
        try:
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get("session")
        except CookieError:
            return None
        return cookie.value if cookie else None

    def new_session(self, content):
        session_id = secrets.token_urlsafe(32)
        SESSIONS[session_id] = content
        secure = "; Secure" if REDIRECT_URI.startswith("https:") else ""
        return f"session={session_id}; Path=/; HttpOnly; SameSite=Lax{secure}"

    def redirect(self, location, cookie):
        self.send_response(303)
        self.send_header("Location", location)
        self.send_header("Set-Cookie", cookie)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

    def page(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", "default-src 'none'")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(f'<!doctype html><html lang="en"><title>Web callback</title><h1>Web callback</h1>{body}'.encode())

    def log_message(self, format, *args):
        pass  # the request line of the callback has the code in it


def main():
    listen = urllib.parse.urlparse(REDIRECT_URI)
    server = ThreadingHTTPServer((listen.hostname, listen.port), WebApplication)
    print(f"Open this address in a browser: {listen.scheme}://{listen.netloc}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass

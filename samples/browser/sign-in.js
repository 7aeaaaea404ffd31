// Signing in to a page that has no server of its own: authorization code with PKCE, in the order in which it happens.
//
//   discover  →  begin  →  (the server's pages)  →  complete  →  callApi, refresh  →  signOut
//
// What lives where:
//   sessionStorage   the verifier, state and nonce of one request, from begin to complete; taken out before they are used
//   a variable       the tokens; closing or reloading the page forgets them
//   the address bar  nothing: code and state are wiped as soon as they are read

const PENDING = "sign-in";

/** What the server, or our own check of what it sent, refused. `code` is the error of the protocol or the name of the check. */
export class SignInError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// --- 1. Where are the endpoints? (RFC 8414) --------------------------------------------------------------------------------

/** Reads the metadata of an issuer and refuses a server that we could not sign in at safely. */
export async function discover(issuer) {
  const { origin, pathname } = new URL(issuer);
  const path = pathname === "/" ? "" : pathname;
  const response = await fetch(`${origin}/.well-known/oauth-authorization-server${path}`, { redirect: "error" });
  if (!response.ok) throw new SignInError("metadata", `The server's metadata answers HTTP ${response.status}.`);

  const metadata = await response.json();
  // RFC 8414 section 3.3: identical, or these are somebody else's endpoints.
  if (metadata.issuer !== issuer) throw new SignInError("issuer", "The metadata belong to another issuer.");
  if (!metadata.code_challenge_methods_supported?.includes("S256")) throw new SignInError("pkce", "The server does not offer S256.");
  return metadata;
}

// --- 2. The request (RFC 6749 section 4.1.1, RFC 7636 section 4.3) -----------------------------------------------------------

/** Remembers three fresh secrets for this tab and returns the address to send the person to. */
export async function begin(metadata, { clientId, scope, redirectUri }) {
  const pending = { verifier: randomText(), state: randomText(), nonce: randomText() };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));

  const address = new URL(metadata.authorization_endpoint);
  address.search = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await challengeOf(pending.verifier),
    code_challenge_method: "S256",
  });
  return address.href;
}

// RFC 7636 section 4.2: BASE64URL(SHA256(ASCII(code_verifier)))
async function challengeOf(verifier) {
  return base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
}

const randomText = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

const base64url = (bytes) => new Uint8Array(bytes).toBase64?.({ alphabet: "base64url", omitPadding: true })
  ?? btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// --- 3. The answer (RFC 6749 section 4.1.2, RFC 9207 section 2.4) ------------------------------------------------------------

/** Whether an address is the answer to a request, rather than a plain visit. */
export function isAnswer(address) {
  const answer = new URL(address).searchParams;
  return answer.has("state") && (answer.has("code") || answer.has("error"));
}

/** Checks the answer and redeems its code. Everything is compared before anything is sent. */
export async function complete(metadata, address, { clientId, redirectUri }) {
  const answer = new URL(address).searchParams;
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  sessionStorage.removeItem(PENDING);

  // RFC 6749 section 3.1: a parameter comes once. Which of two states would be ours?
  if (["state", "iss", "code", "error"].some((name) => answer.getAll(name).length > 1))
    throw new SignInError("duplicate", "The answer says something twice.");
  if (pending === null || answer.get("state") !== pending.state)
    throw new SignInError("state", "This is not the answer to a request of this tab.");
  if (answer.get("iss") !== metadata.issuer && (answer.has("iss") || metadata.authorization_response_iss_parameter_supported))
    throw new SignInError("iss", "The answer comes from another server.");
  if (answer.has("error"))
    throw new SignInError(answer.get("error"), answer.get("error_description") ?? "The server refused.");

  const tokens = await post(metadata.token_endpoint, {
    grant_type: "authorization_code",
    code: answer.get("code"),
    redirect_uri: redirectUri,
    client_id: clientId,
    code_verifier: pending.verifier,
  });
  if (tokens.token_type?.toLowerCase() !== "bearer") throw new SignInError("token_type", "This page can use bearer tokens only.");
  return { ...tokens, claims: checkIdToken(tokens.id_token, metadata.issuer, clientId, pending.nonce) };
}

/**
 * The claims of an ID token that came straight from the token endpoint. Over TLS that is proof enough of who wrote it (OpenID
 * Connect Core section 3.1.3.7, step 6); one that came any other way needs its signature checked first.
 */
function checkIdToken(idToken, issuer, clientId, nonce) {
  if (!idToken) throw new SignInError("id_token", "There is no ID token: ask for the scope openid.");
  const claims = JSON.parse(new TextDecoder().decode(bytesOf(idToken.split(".")[1])));
  const audiences = [claims.aud].flat();
  const refuse = (what) => { throw new SignInError(what, `The ID token has the wrong ${what}.`); };

  if (claims.iss !== issuer) refuse("iss");
  if (!audiences.includes(clientId) || audiences.length > 1) refuse("aud");
  if (claims.nonce !== nonce) refuse("nonce");
  if (!(claims.exp > Date.now() / 1000 - 60)) refuse("exp"); // a clock may be a minute behind
  return claims;
}

const bytesOf = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

// --- 4. Using the tokens (RFC 6750 section 2.1, RFC 6749 section 6) -----------------------------------------------------------

/** Calls an API with the access token. */
export function callApi(url, tokens) {
  return fetch(url, { headers: { Authorization: `Bearer ${tokens.access_token}` }, redirect: "error" });
}

/** Fresh tokens for the old ones. The refresh token in the answer replaces the one that was sent. */
export async function refresh(metadata, tokens, { clientId }) {
  const fresh = await post(metadata.token_endpoint, {
    grant_type: "refresh_token",
    refresh_token: tokens.refresh_token,
    client_id: clientId,
  });
  return { ...tokens, ...fresh };
}

// --- 5. Signing out (RFC 7009) -------------------------------------------------------------------------------------------------

/** Ends the grant at the server. The access token is dead with it wherever the server is asked, elsewhere when it expires. */
export async function signOut(metadata, tokens, { clientId }) {
  await post(metadata.revocation_endpoint, {
    token: tokens.refresh_token ?? tokens.access_token,
    token_type_hint: tokens.refresh_token ? "refresh_token" : "access_token",
    client_id: clientId,
  });
}

async function post(url, form) {
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(form), redirect: "error" });
  const text = await response.text();
  const body = text === "" ? {} : JSON.parse(text);
  if (!response.ok) throw new SignInError(body.error, body.error_description ?? `The server answers ${body.error}.`);
  return body;
}

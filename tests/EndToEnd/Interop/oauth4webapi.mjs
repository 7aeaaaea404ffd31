// oauth4webapi, call by call: it checks every answer to the letter.
import * as oauth from "oauth4webapi";
import { browse, errorOf, run, CLIENT_ID, CLIENT_SECRET, ISSUER, REDIRECT_URI, SCOPE } from "./session.mjs";

const insecure = { [oauth.allowInsecureRequests]: true };
const me = { client_id: CLIENT_ID };
const none = oauth.None();

async function discover(algorithm = "oidc") {
  const issuer = new URL(ISSUER);
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...insecure }));
}

async function request(more = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const parameters = new URLSearchParams({
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    response_type: "code",
    scope: SCOPE,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
    ...more,
  });
  return { verifier, state, nonce, parameters };
}

function authorizationUrl(as, parameters) {
  const address = new URL(as.authorization_endpoint);
  for (const [name, value] of parameters) address.searchParams.append(name, value);
  return address;
}

async function redeem(as, asked, answer, authentication = none, options = {}) {
  const checked = oauth.validateAuthResponse(as, me, answer, asked.state);
  const send = () => oauth.authorizationCodeGrantRequest(as, me, authentication, checked, REDIRECT_URI, asked.verifier, { ...insecure, ...options });
  return twice(async () => oauth.processAuthorizationCodeResponse(as, me, await send(), { expectedNonce: asked.nonce, requireIdToken: true }));
}

// A server that wants a nonce says so once.
async function twice(call) {
  try {
    return await call();
  } catch (error) {
    if (oauth.isDPoPNonceError(error)) return call();
    throw error;
  }
}

async function signIn(as, authentication = none, options = {}, more = {}) {
  const asked = await request(more);
  return redeem(as, asked, await browse(authorizationUrl(as, asked.parameters)), authentication, options);
}

const refresh = (as, token, authentication = none, options = {}) =>
  twice(async () => oauth.processRefreshTokenResponse(as, me, await oauth.refreshTokenGrantRequest(as, me, authentication, token, { ...insecure, ...options })));

const userinfo = (as, tokens, options = {}) =>
  twice(async () => oauth.processUserInfoResponse(as, me, oauth.getValidatedIdTokenClaims(tokens)?.sub ?? oauth.skipSubjectCheck, await oauth.userInfoRequest(as, me, tokens.access_token, { ...insecure, ...options })));

async function revoke(as, token) {
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, me, none, token, insecure));
}

async function introspect(as, token) {
  return oauth.processIntrospectionResponse(as, me, await oauth.introspectionRequest(as, me, oauth.ClientSecretPost(CLIENT_SECRET), token, insecure));
}

await run({
  async code() {
    const as = await discover();
    const tokens = await signIn(as);
    const person = await userinfo(as, tokens);
    const access = await oauth.validateJwtAccessToken(
      as, new Request("https://api.example/", { headers: { authorization: `Bearer ${tokens.access_token}` } }), process.env.AUDIENCE ?? ISSUER, insecure);
    return { issuer: as.issuer, type: tokens.token_type, scope: tokens.scope, email: person.email, client: access.client_id, sameSubject: access.sub === person.sub };
  },

  async discovery() {
    const [first, second] = [await discover("oidc"), await discover("oauth2")];
    return { same: JSON.stringify(first) === JSON.stringify(second), methods: first.code_challenge_methods_supported };
  },

  async refresh() {
    const as = await discover();
    const tokens = await signIn(as);
    const first = await refresh(as, tokens.refresh_token);
    const second = await refresh(as, first.refresh_token);
    return { rotated: first.refresh_token !== tokens.refresh_token, expires: second.expires_in > 0 };
  },

  async revocation() {
    const as = await discover();
    const tokens = await signIn(as);
    await revoke(as, tokens.access_token);
    return { refresh: await errorOf(refresh(as, tokens.refresh_token)), again: await errorOf(revoke(as, tokens.refresh_token)) };
  },

  async par() {
    const as = await discover();
    const asked = await request();
    const pushed = await oauth.processPushedAuthorizationResponse(as, me, await oauth.pushedAuthorizationRequest(as, me, none, asked.parameters, insecure));
    const address = authorizationUrl(as, new URLSearchParams({ client_id: CLIENT_ID, request_uri: pushed.request_uri }));
    const tokens = await redeem(as, asked, await browse(address));
    return { expires: pushed.expires_in > 0, type: tokens.token_type };
  },

  async dpop() {
    const as = await discover();
    const DPoP = oauth.DPoP(me, await oauth.generateKeyPair("ES256"));
    const tokens = await signIn(as, none, { DPoP });
    const person = await userinfo(as, tokens, { DPoP });
    const refreshed = await refresh(as, tokens.refresh_token, none, { DPoP });
    const other = oauth.DPoP(me, await oauth.generateKeyPair("ES256"));
    return { type: tokens.token_type, email: person.email, refreshed: refreshed.token_type, otherKey: await errorOf(refresh(as, refreshed.refresh_token, none, { DPoP: other })) };
  },

  async device() {
    const as = await discover();
    const begun = await oauth.processDeviceAuthorizationResponse(
      as, me, await oauth.deviceAuthorizationRequest(as, me, none, new URLSearchParams({ scope: SCOPE }), insecure));
    const poll = async () => oauth.processDeviceCodeResponse(as, me, await oauth.deviceCodeGrantRequest(as, me, none, begun.device_code, insecure));
    const early = await errorOf(poll());
    await browse(begun.verification_uri_complete);
    // Polling again before the interval is over would be answered with slow_down.
    await new Promise((resolve) => setTimeout(resolve, (begun.interval ?? 5) * 1000 + 250));
    const tokens = await poll();
    return { early, type: tokens.token_type, again: await errorOf(poll()) };
  },

  async introspection() {
    const as = await discover();
    const tokens = await signIn(as, oauth.ClientSecretPost(CLIENT_SECRET));
    const before = await introspect(as, tokens.access_token);
    const garbage = await introspect(as, "garbage");
    return { before: before.active, client: before.client_id === CLIENT_ID, garbage };
  },

  async endSession() {
    const as = await discover();
    const tokens = await signIn(as);
    const address = new URL(as.end_session_endpoint);
    address.searchParams.set("id_token_hint", tokens.id_token);
    address.searchParams.set("post_logout_redirect_uri", process.env.POST_LOGOUT_REDIRECT_URI);
    const end = await browse(address);
    return { end: end.href };
  },
});

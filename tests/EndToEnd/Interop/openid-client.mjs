// openid-client, used as its documentation says.
import { createPrivateKey } from "node:crypto";
import * as client from "openid-client";
import { browse, errorOf, run, CLIENT_ID, CLIENT_SECRET, ISSUER, REDIRECT_URI, SCOPE } from "./session.mjs";

const insecure = { execute: [client.allowInsecureRequests] };

const discover = (authentication = client.None(), metadata = undefined) => client.discovery(new URL(ISSUER), CLIENT_ID, metadata, authentication, insecure);

async function request(config, more = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const checks = { pkceCodeVerifier: verifier, expectedState: client.randomState(), expectedNonce: client.randomNonce(), idTokenExpected: true };
  const parameters = {
    redirect_uri: REDIRECT_URI,
    scope: SCOPE,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...more,
  };
  return { checks, parameters };
}

async function signIn(config, options = undefined, more = {}) {
  const { checks, parameters } = await request(config, more);
  const answer = await browse(client.buildAuthorizationUrl(config, parameters));
  return client.authorizationCodeGrant(config, answer, checks, undefined, options);
}

await run({
  async code() {
    const config = await discover();
    const tokens = await signIn(config);
    const claims = tokens.claims();
    const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
    return { type: tokens.token_type, scope: tokens.scope, subject: claims.sub, audience: claims.aud, email: person.email };
  },

  async refresh() {
    const config = await discover();
    const tokens = await signIn(config);
    const first = await client.refreshTokenGrant(config, tokens.refresh_token);
    const second = await client.refreshTokenGrant(config, first.refresh_token, { scope: "openid" });
    return { rotated: first.refresh_token !== tokens.refresh_token, scope: second.scope, sameSubject: first.claims().sub === tokens.claims().sub };
  },

  async revocation() {
    const config = await discover();
    const tokens = await signIn(config);
    await client.tokenRevocation(config, tokens.refresh_token);
    return {
      refresh: await errorOf(client.refreshTokenGrant(config, tokens.refresh_token)),
      userinfo: await errorOf(client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck)),
    };
  },

  async denied() {
    const config = await discover();
    return { error: await errorOf(signIn(config)) };
  },

  async secret() {
    const basic = await discover(client.ClientSecretBasic(CLIENT_SECRET));
    const first = await signIn(basic);
    const post = await discover(client.ClientSecretPost(CLIENT_SECRET));
    const second = await client.refreshTokenGrant(post, first.refresh_token);
    return { first: first.token_type, second: second.token_type, wrong: await errorOf(client.refreshTokenGrant(await discover(client.ClientSecretBasic("wrong")), second.refresh_token)) };
  },

  async par() {
    const config = await discover();
    const { checks, parameters } = await request(config);
    const address = await client.buildAuthorizationUrlWithPAR(config, parameters);
    const tokens = await client.authorizationCodeGrant(config, await browse(address), checks);
    return { sent: [...address.searchParams.keys()].sort(), scope: tokens.scope, subject: tokens.claims().sub };
  },

  async dpop() {
    const config = await discover();
    const handle = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    const { checks, parameters } = await request(config, { dpop_jkt: await handle.calculateThumbprint() });
    const answer = await browse(client.buildAuthorizationUrl(config, parameters));
    const tokens = await client.authorizationCodeGrant(config, answer, checks, undefined, { DPoP: handle });
    const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP: handle });
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: handle });
    const stolen = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    return {
      type: tokens.token_type,
      email: person.email,
      refreshed: refreshed.token_type,
      otherKey: await errorOf(client.refreshTokenGrant(config, refreshed.refresh_token, undefined, { DPoP: stolen })),
      noKey: await errorOf(client.refreshTokenGrant(config, refreshed.refresh_token)),
      asBearer: await errorOf(client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck)),
    };
  },

  async dpopWithPar() {
    const config = await discover();
    const handle = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    const { checks, parameters } = await request(config);
    const address = await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP: handle });
    const tokens = await client.authorizationCodeGrant(config, await browse(address), checks, undefined, { DPoP: handle });
    return { type: tokens.token_type };
  },

  async device() {
    const config = await discover();
    const begun = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
    const polling = client.pollDeviceAuthorizationGrant(config, { ...begun, interval: begun.interval ?? 5 });
    await browse(begun.verification_uri_complete);
    const tokens = await polling;
    return { complete: begun.verification_uri_complete.includes(begun.user_code), scope: tokens.scope, subject: tokens.claims().sub };
  },

  async deviceDenied() {
    const config = await discover();
    const begun = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
    const polling = errorOf(client.pollDeviceAuthorizationGrant(config, begun));
    await browse(begun.verification_uri_complete);
    return { error: await polling };
  },

  async introspection() {
    const config = await discover(client.ClientSecretBasic(CLIENT_SECRET));
    const tokens = await signIn(config);
    const before = await client.tokenIntrospection(config, tokens.access_token);
    const refresh = await client.tokenIntrospection(config, tokens.refresh_token);
    await client.tokenRevocation(config, tokens.refresh_token);
    const after = await client.tokenIntrospection(config, tokens.access_token);
    return { before: before.active, subject: before.sub === tokens.claims().sub, refresh: refresh.active, after };
  },

  async privateKey() {
    const key = await crypto.subtle.importKey("jwk", createPrivateKey(process.env.CLIENT_KEY).export({ format: "jwk" }), { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    const config = await discover(client.PrivateKeyJwt({ key, kid: process.env.CLIENT_KEY_ID }));
    const tokens = await client.clientCredentialsGrant(config, { scope: SCOPE });
    return { type: tokens.token_type, scope: tokens.scope, refresh: tokens.refresh_token ?? "none" };
  },

  async clientCredentials() {
    const config = await discover(client.ClientSecretBasic(CLIENT_SECRET));
    const tokens = await client.clientCredentialsGrant(config, { scope: SCOPE });
    return { type: tokens.token_type, scope: tokens.scope, refresh: tokens.refresh_token ?? "none" };
  },

  async endSession() {
    const config = await discover();
    const tokens = await signIn(config, undefined, { scope: "openid" });
    const address = client.buildEndSessionUrl(config, { post_logout_redirect_uri: process.env.POST_LOGOUT_REDIRECT_URI, id_token_hint: tokens.id_token, state: "after" });
    const end = await browse(address);
    return { end: end.href, refresh: await errorOf(client.refreshTokenGrant(config, tokens.refresh_token)) };
  },

  async resource() {
    const config = await discover();
    const tokens = await signIn(config, undefined, { resource: process.env.RESOURCE });
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, { resource: process.env.RESOURCE });
    const audience = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url")).aud;
    return { first: audience(tokens.access_token), second: audience(refreshed.access_token) };
  },
});

// node-oidc-provider, as its documentation says, with its own pages for development: anybody signs in with any password. Settings come from the
// environment; see NodeOidcProvider.cs.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';

const { ISSUER, PORT } = process.env;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

// What the test said last: how many seconds an access token lasts, and how many milliseconds an answer with tokens is held.
const said = { seconds: 3600, hold: 0 };
process.stdin.on('data', (line) => {
  const [name, value] = line.toString().trim().split(' ');
  said[name] = Number(value);
  console.log(`SAID ${name} ${value}`);
});

const native = {
  token_endpoint_auth_method: 'none',
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  response_types: ['code'],
  redirect_uris: ['http://127.0.0.1/callback'],
  id_token_signed_response_alg: 'ES256',
};

const provider = new Provider(ISSUER, {
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'tests', alg: 'ES256', use: 'sig' }] },
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  clients: [
    { ...native, client_id: 'terminal' },
    { ...native, client_id: 'strict-terminal', dpop_bound_access_tokens: true, require_pushed_authorization_requests: true },
  ],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: `The person ${id}`, preferred_username: id, email: `${id}@example.com`, email_verified: true }) }),
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  expiresWithSession: () => false,
  ttl: { AccessToken: () => said.seconds, AuthorizationCode: 60, IdToken: 600, RefreshToken: 86400, Session: 86400, Grant: 86400, Interaction: 600, DeviceCode: 600 },
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true },
    dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
    pushedAuthorizationRequests: { enabled: true },
  },
});

for (const event of ['server_error', 'grant.error', 'authorization.error', 'userinfo.error', 'pushed_authorization_request.error', 'device_authorization.error'])
  provider.on(event, (_, error) => console.error(event, error.error_detail ?? error.message, error.error_description ?? ''));
// A line for each grant and each refusal, so that a test can count the refreshes.
provider.on('grant.success', (ctx) => console.log(`GRANT ${ctx.oidc.params.grant_type}`));
provider.on('grant.error', (ctx) => console.log(`REFUSED ${ctx.oidc?.params?.grant_type}`));

provider.use(async (ctx, next) => {
  await next();
  if (ctx.path === '/token') await new Promise((resolve) => { setTimeout(resolve, said.hold); });
});

const server = provider.listen(Number(PORT), '127.0.0.1', () => console.log('LISTENING'));
// Node ends a connection that idled for five seconds, also one whose next request has come and is not read yet: on a machine that is busy that is a request that breaks off.
server.keepAliveTimeout = 120_000;

// node-oidc-provider as the benchmark drives it: its own pages, one public client, one key, and what it stores in a database that survives
// a crash. Settings come from the environment; see NodePeer.cs.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';

const { ISSUER, PORT, REDIRECT_URI, ACCESS_TOKENS, SQLITE_FILE } = process.env;
const { adapterFor } = SQLITE_FILE ? await import('./sqlite.js') : await import('./postgres.js');
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const provider = new Provider(ISSUER, {
  adapter: adapterFor,
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' }] },
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  clients: [{
    client_id: 'bench',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: [REDIRECT_URI],
    id_token_signed_response_alg: 'ES256',
  }],
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  // A refresh token for each sign-in, that outlives the session and rotates: as with us.
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  expiresWithSession: () => false,
  ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, RefreshToken: 30 * 86400, Session: 14 * 86400, Grant: 30 * 86400, Interaction: 600 },
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: ACCESS_TOKENS === 'jwt',
      getResourceServerInfo: (_, audience) => ({ audience, scope: 'profile', accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'ES256' } } }),
      useGrantedResource: () => true,
    },
  },
});

provider.listen(Number(PORT), '127.0.0.1');

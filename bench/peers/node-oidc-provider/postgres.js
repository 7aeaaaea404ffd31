// One table, as most adapters of the community have it, with prepared statements. Each write is a transaction of its own.
import pg from 'pg';

const pool = new pg.Pool({ max: 10 });
await pool.query(`
  create table if not exists oidc (
    model text not null, id text not null, payload jsonb not null, grant_id text, uid text, user_code text, consumed_at bigint, expires_at bigint,
    primary key (model, id)
  );
  create index if not exists oidc_grant on oidc (grant_id) where grant_id is not null;
  create index if not exists oidc_uid on oidc (uid) where uid is not null;
  create index if not exists oidc_user_code on oidc (user_code) where user_code is not null;
`);

const run = (name, text, ...values) => pool.query({ name, text, values });
const now = () => Math.floor(Date.now() / 1000);
const columns = 'payload, consumed_at, expires_at';

function payloadOf({ rows: [row] }) {
  if (!row || (row.expires_at && Number(row.expires_at) < now())) return undefined;
  return row.consumed_at ? { ...row.payload, consumed: Number(row.consumed_at) } : row.payload;
}

export const adapterFor = (model) => ({
  async upsert(id, payload, expiresIn) {
    await run('upsert', `
      insert into oidc (model, id, payload, grant_id, uid, user_code, expires_at) values ($1, $2, $3, $4, $5, $6, $7)
      on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid, user_code = excluded.user_code, expires_at = excluded.expires_at
    `, model, id, JSON.stringify(payload), payload.grantId ?? null, payload.uid ?? null, payload.userCode ?? null, expiresIn ? now() + expiresIn : null);
  },
  async find(id) { return payloadOf(await run('find', `select ${columns} from oidc where model = $1 and id = $2`, model, id)); },
  async findByUid(uid) { return payloadOf(await run('find-by-uid', `select ${columns} from oidc where model = $1 and uid = $2`, model, uid)); },
  async findByUserCode(code) { return payloadOf(await run('find-by-code', `select ${columns} from oidc where model = $1 and user_code = $2`, model, code)); },
  async consume(id) { await run('consume', 'update oidc set consumed_at = $1 where model = $2 and id = $3', now(), model, id); },
  async destroy(id) { await run('destroy', 'delete from oidc where model = $1 and id = $2', model, id); },
  async revokeByGrantId(grantId) { await run('revoke', 'delete from oidc where grant_id = $1', grantId); },
});

// One table, as most adapters of the community have it. Each write is a transaction that has reached the disk before it is answered.
import Database from 'better-sqlite3';

const database = new Database(process.env.SQLITE_FILE);
database.pragma('journal_mode = WAL');
database.pragma('synchronous = FULL');
database.exec(`
  create table if not exists oidc (
    model text not null, id text not null, payload text not null, grant_id text, uid text, user_code text, consumed_at integer, expires_at integer,
    primary key (model, id)
  ) without rowid;
  create index if not exists oidc_grant on oidc (grant_id) where grant_id is not null;
  create index if not exists oidc_uid on oidc (uid) where uid is not null;
  create index if not exists oidc_user_code on oidc (user_code) where user_code is not null;
`);

const upsert = database.prepare(`
  insert into oidc (model, id, payload, grant_id, uid, user_code, expires_at) values (?, ?, ?, ?, ?, ?, ?)
  on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid, user_code = excluded.user_code, expires_at = excluded.expires_at
`);
const find = database.prepare('select payload, consumed_at, expires_at from oidc where model = ? and id = ?');
const findByUid = database.prepare('select payload, consumed_at, expires_at from oidc where model = ? and uid = ?');
const findByUserCode = database.prepare('select payload, consumed_at, expires_at from oidc where model = ? and user_code = ?');
const consume = database.prepare('update oidc set consumed_at = ? where model = ? and id = ?');
const destroy = database.prepare('delete from oidc where model = ? and id = ?');
const revokeByGrantId = database.prepare('delete from oidc where grant_id = ?');

const now = () => Math.floor(Date.now() / 1000);

function payloadOf(row) {
  if (!row || (row.expires_at && row.expires_at < now())) return undefined;
  const payload = JSON.parse(row.payload);
  return row.consumed_at ? { ...payload, consumed: row.consumed_at } : payload;
}

export const adapterFor = (model) => ({
  async upsert(id, payload, expiresIn) {
    upsert.run(model, id, JSON.stringify(payload), payload.grantId ?? null, payload.uid ?? null, payload.userCode ?? null, expiresIn ? now() + expiresIn : null);
  },
  async find(id) { return payloadOf(find.get(model, id)); },
  async findByUid(uid) { return payloadOf(findByUid.get(model, uid)); },
  async findByUserCode(userCode) { return payloadOf(findByUserCode.get(model, userCode)); },
  async consume(id) { consume.run(now(), model, id); },
  async destroy(id) { destroy.run(model, id); },
  async revokeByGrantId(grantId) { revokeByGrantId.run(grantId); },
});

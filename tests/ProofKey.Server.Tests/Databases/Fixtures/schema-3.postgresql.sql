create table schema_version (version bigint primary key, applied_at bigint not null);
create table client (
    id text primary key,
    name text not null,
    secret_digest bytea,
    redirect_uris text not null,
    post_logout_redirect_uris text not null,
    origins text not null,
    scope text not null,
    audience text,
    response_modes text not null,
    id_token_algorithm text not null,
    first_party bigint not null,
    strict bigint not null,
    created_at bigint not null,
    removed_at bigint
);
create table client_origin (
    origin text not null,
    client_id text not null,
    primary key (origin, client_id)
);
create table account (
    subject text primary key,
    name text not null,
    name_key text unique,
    email text,
    is_admin bigint not null,
    epoch bigint not null,
    created_at bigint not null,
    disabled_at bigint,
    removed_at bigint
);
create table credential (
    subject text not null,
    kind text not null,
    value text not null,
    tries bigint not null,
    tries_since bigint not null,
    created_at bigint not null,
    primary key (subject, kind)
) with (fillfactor = 90);
create table session (
    id bytea primary key,
    key bytea not null unique,
    subject text not null,
    epoch bigint not null,
    auth_time bigint not null,
    amr text not null,
    expires_at bigint not null,
    last_seen_at bigint not null,
    ended_at bigint
) with (fillfactor = 90);
create index session_expires_at on session (expires_at);
create table consent (
    subject text not null,
    client_id text not null,
    scope text not null,
    given_at bigint not null,
    primary key (subject, client_id)
);
create table authorization_grant (
    id bytea primary key,
    client_id text not null,
    subject text not null,
    epoch bigint not null,
    session_id bytea,
    scope text not null,
    resource text,
    auth_time bigint not null,
    amr text not null,
    secret_digest bytea not null,
    seq bigint not null,
    prev_seq bigint,
    rotated_at bigint not null,
    created_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint
) with (fillfactor = 90);
create index authorization_grant_subject on authorization_grant (subject);
create index authorization_grant_expires_at on authorization_grant (expires_at);
create table key (
    id text primary key,
    purpose text not null,
    algorithm text not null,
    sealed bytea not null,
    not_before bigint not null,
    retire_after bigint,
    created_at bigint not null
);
alter table client add column grant_types text not null default 'authorization_code refresh_token';
alter table client add column jwks text;
alter table client add column jwks_uri text;
alter table client add column requires_par bigint not null default 0;
alter table client add column dpop_bound bigint not null default 0;
alter table client add column introspects text;
alter table client add column backchannel_logout_uri text;
alter table session add column acr text;
alter table consent add column asked text;
alter table authorization_grant add column outlives_session bigint not null default 0;
alter table authorization_grant add column acr text;
alter table authorization_grant add column dpop_jkt bytea;
alter table authorization_grant add column claims text;
alter table authorization_grant add column notify bigint;
create index authorization_grant_notify on authorization_grant (session_id) where notify = 1;
create table resource (
    uri text primary key,
    name text not null,
    scope text not null,
    created_at bigint not null
);
create table scope (
    name text primary key,
    description text not null
);
create table pushed_request (
    id bytea primary key,
    client_id text not null,
    parameters bytea not null,
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint
);
create index pushed_request_expires_at on pushed_request (expires_at);
create table device_code (
    id bytea primary key,
    secret_digest bytea not null,
    user_code bytea not null unique,
    client_id text not null,
    scope text not null,
    resource text,
    address text not null,
    created_at bigint not null,
    expires_at bigint not null,
    poll_seconds bigint not null,
    polled_at bigint not null,
    too_fast bigint not null,
    decided_at bigint,
    allowed bigint,
    subject text,
    epoch bigint,
    session_id bytea,
    grant_expires_at bigint,
    auth_time bigint,
    amr text,
    acr text
);
create index device_code_expires_at on device_code (expires_at);
create table user_code_try (
    asker bytea primary key,
    started_at bigint not null,
    tries bigint not null,
    earlier bigint not null,
    tried_at bigint not null
);
create index user_code_try_tried_at on user_code_try (tried_at);
create table used_assertion (
    id bytea primary key,
    expires_at bigint not null
);
create index used_assertion_expires_at on used_assertion (expires_at);
create table audit_event (
    id bytea primary key,
    at bigint not null,
    kind text not null,
    subject text,
    client_id text,
    address text,
    count bigint not null,
    detail text
);
create index audit_event_at on audit_event (at);
create table logout_outbox (
    id bytea primary key,
    client_id text not null,
    subject text not null,
    session_id bytea not null,
    created_at bigint not null,
    next_try_at bigint not null,
    tries bigint not null
);
create index logout_outbox_next_try_at on logout_outbox (next_try_at);
create table restoration (restored_at bigint primary key);
insert into client (id, name, secret_digest, redirect_uris, post_logout_redirect_uris, origins, scope, audience, response_modes, id_token_algorithm, first_party, strict, created_at, removed_at, grant_types, jwks, jwks_uri, requires_par, dpop_bound, introspects, backchannel_logout_uri) values ('ywuk1bLf_ko5Qzq5WG9kxg', 'Test client', null, 'https://app.example/callback', '', '', 'openid profile email offline_access', null, 'query
form_post', 'ES256', 1, 0, 1893553445000, null, 'authorization_code refresh_token', null, null, 0, 0, null, null);
insert into client_origin (origin, client_id) values ('https://app.example', 'ywuk1bLf_ko5Qzq5WG9kxg');
insert into account (subject, name, name_key, email, is_admin, epoch, created_at, disabled_at, removed_at) values ('rvhBxncEgETdiSFiKfXfSg', 'alice', 'alice', 'alice@example.com', 0, 1, 1893553445000, null, null);
insert into credential (subject, kind, value, tries, tries_since, created_at) values ('', 'password', '', 0, 0, 0);
insert into credential (subject, kind, value, tries, tries_since, created_at) values ('rvhBxncEgETdiSFiKfXfSg', 'password', 'AQAAAAIAAzRQAAAAENp09Hs4AlMs8Jm+GLsIs0G3AOyduDu0sEMxXVp+URMUnOPMVBH0rPjBx9zZWhMjdA==', 0, 1893553445000, 1893553445000);
insert into session (id, key, subject, epoch, auth_time, amr, expires_at, last_seen_at, ended_at, acr) values ('\x01b8e094988874619fee3f004b79235d', '\x1c4d6e7c524a8ecd577809f5825fec21', 'rvhBxncEgETdiSFiKfXfSg', 1, 1893553445000, 'pwd', 1893596645000, 1893553445000, null, 'urn:proofkey:acr:password');
insert into authorization_grant (id, client_id, subject, epoch, session_id, scope, resource, auth_time, amr, secret_digest, seq, prev_seq, rotated_at, created_at, expires_at, revoked_at, outlives_session, acr, dpop_jkt, claims, notify) values ('\x01b8e09498887e948dde9625d4b48cea', 'ywuk1bLf_ko5Qzq5WG9kxg', 'rvhBxncEgETdiSFiKfXfSg', 1, '\x01b8e094988874619fee3f004b79235d', 'openid offline_access', null, 1893553445000, 'pwd', '\x830212e4e3b83424949436c55e198814', 1, null, 0, 1893553445000, 1896145445000, null, 1, 'urn:proofkey:acr:password', null, null, null);
insert into key (id, purpose, algorithm, sealed, not_before, retire_after, created_at) values ('4UiCZ99TrNRBDz8mBVCFZFzQ4nwn2ayVJXGwhXIfAEY', 'sign', 'ES256', '\xba6cccf88f28ae00402b7b3e0cef197ee872143b7dbf14e3c6f3485090298e248a187cba52dfecf78d4e6ca4de4cbc02c60f93ef173be5044c5805ab2246b5fc0918cde62fded36b868d9eebc8d9cee74e9308b19e956b9d3af66d6a31c42c695eb4ea1fa3eb3cf4727834c72d5ea0fb44bcadfb4729fb69ac9259a25159f23fc43a1b3fa16ee53f8d46cd1b9a87ee851cb40b593e04ee12993db7769a10896ef8afee7de481', 1893553445000, null, 1893553445000);
insert into key (id, purpose, algorithm, sealed, not_before, retire_after, created_at) values ('9ad1a39b', 'seal', 'A256GCM', '\xbb13279c4f59ad05d9cc036d0a84934533ffd8273d17e8efe6922e1c172140c9d5667cf1466119f6a3e77420c7f655544da6ef0431fa6624b84e1ce2', 1893553445000, null, 1893553445000);
insert into key (id, purpose, algorithm, sealed, not_before, retire_after, created_at) values ('Hk9OHG5ag2p7ulmP6Xh8AcLXH0y9svdAePrN9KD8x90', 'sign', 'RS256', '\x43eb14a963ccd510bd74963cd5ed7fd87b42e0d68fb3865f86453adfbd46547df0cd37541736def0e8134496db2471ba8dea45c90f177dbe2313a3b627cbe1af84f265280d936b6010d918809a52e2163c799853574ba5e480f37644b49863d15f9f9666975751acbaec623f9e7c9970ef50683473a2fd2d0df6c9b3ec97061ecc0d969031e94fb10f2de7fbf74ae686eeea77da569cbe4191c1217e73b1db808d773db715dbe44e0d36779a3858bf4d2b6ea85a4ee022f7e3463bf3d1bce2ff910850719d7c3971f38c1ce955df38f0b65c52042667cf7da66d7564bbcac3aec5fe345b9060efba147727631341c7aa600279bb76b989214c2340ce42158a34aa232e9a9d32a5868d41ed5740643c54826e7e1212ffbeeed6733f42d32f7f81f5319915c3b033a54da129f9fcc7aada32d0e84ad892c60ef314fbb285e92c80a35c966f00906f44e2db66b131ffb735c2a8a1cca756069dca4ad407f15289e6454c53761de230079ef96670934141b8299be269cd962c9dd57da51a48aa57caf0eb4dfe3578db912c8891a32a7454bf6accfffde57800767fb6180842fbd1eb30d323e3d23e1085f4618a7d8e70b89bcf6dfb82695c9f779187909ef470ded44fd970e209e724cdb91697601224cbf11443a37cab30c72aad60d4ea01a6a0edb253eb3a0dda906871bc7c13869d0cfd879dfa788e0e1f90435d5ca8394547ca3f29b93072115acc65af3a469d987331ccf292edbf4e332dbb06839b55e83186b4b48de5b9900df49c935aa6f4e01d80d246e700c972b2728c65f3608bf1afad45fd50d6aa626024c2752f9fad109a4c845f9f561cd122cb4ff385b6b818fb89ed1046f8a673c34c6e35c34a2b3d0cb29ddb35998b70bb18d62e7a989e3bed4a1e6baded93da76650ccdb2d503a6c75a5b2c9540cebb881c5bacca0e28a69b72c77d0d490011c44863e1bf2f69c1c1f878e2f41c735bdc26a91409bfe1ea3c84d03fa315e0268b7c081eae3e6165b3578a041a0f8393ed3fedcf729ba6e5a3d5218c5bd9e9a9344daa8f309164796ed76aebfded3a97a037cd3f038aeca96c67aa740e5f1aec1f7e56fc69168239ab142096707d0943a66792f1a212d18b5070f8d768ee3436f42cb727654fdd301d647cf343204ebd27821a4badeba3e7cc7c977842c28b5dcb3ce8cca230048d32e15fc50e7d7e2be04818f187fe458fa2297f7219ba553f4a1788feb99eba0ab22f7d368d25975c734cfc40b11a772e1ebd75f219fd31038a4566ab444c60d1d2406d15bd2d8be05e2d68c12be95f6cc325c92a06f8cbe0ef02e09ac27841d260f963112205b1ea82d09081b89961f2747a1d7bda73bab62c3c5e6a2501f43cb83886c4b5dcb0c76f6cbac1f04307bb7c9bd5f0da558d28f15faa1e4c746c774c68622406bcb422118bbd18c898fce6ead2ec96e89eac50935ae507fe43821559cd7572e55dca29c89a063e32080322bb3a7dd616730aee384ed52ff671eb392d64d0977e4f860baa772fb5e5a50746cae87dcd0b6fda3088b912b39d072315470af977a20d5baf5c3f0286b59400762b997231d3896e606547eb79390808b1331c9dd8f7716ab8e6924a82c1a5586c689f7070802886b0e35656a4196925d63973617a9ecda943a90e0ab93af6295b30ad74a90c8fd9926df763fe0e7f970a95c7d253aadcd0286d88d5c053914cf2e6eb23f5a00c2d36df8c754cc8a858a2d4df2088a7d8f279d9c4182b8c528e', 1893553445000, null, 1893553445000);
insert into audit_event (id, at, kind, subject, client_id, address, count, detail) values ('\x01b8e0949888735c90ee8453bb96f46f', 1893553445000, 'client-added', null, 'ywuk1bLf_ko5Qzq5WG9kxg', null, 1, 'Test client');
insert into audit_event (id, at, kind, subject, client_id, address, count, detail) values ('\x01b8e09498887b818b9158d23d8d3c38', 1893553445000, 'signed-in', 'rvhBxncEgETdiSFiKfXfSg', 'ywuk1bLf_ko5Qzq5WG9kxg', '127.0.0.1', 1, 'pwd');
insert into audit_event (id, at, kind, subject, client_id, address, count, detail) values ('\x01b8e09498887cb3af7da85c8d6d25ef', 1893553445000, 'user-added', 'rvhBxncEgETdiSFiKfXfSg', null, null, 1, null);
insert into schema_version (version, applied_at) values (1, 1893553445000);
insert into schema_version (version, applied_at) values (2, 1893553445000);
insert into schema_version (version, applied_at) values (3, 1893553445000);

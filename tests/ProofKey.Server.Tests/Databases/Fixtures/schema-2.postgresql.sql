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
insert into client (id, name, secret_digest, redirect_uris, post_logout_redirect_uris, origins, scope, audience, response_modes, id_token_algorithm, first_party, strict, created_at, removed_at, grant_types, jwks, jwks_uri, requires_par, dpop_bound, introspects, backchannel_logout_uri) values ('3G8T4bOYPe_vOIW-GPjOPA', 'Test client', null, 'https://app.example/callback', '', '', 'openid profile email offline_access', null, 'query
form_post', 'ES256', 1, 0, 1893553445000, null, 'authorization_code refresh_token', null, null, 0, 0, null, null);
insert into client_origin (origin, client_id) values ('https://app.example', '3G8T4bOYPe_vOIW-GPjOPA');
insert into account (subject, name, name_key, email, is_admin, epoch, created_at, disabled_at, removed_at) values ('DvuZQ5la7_GQU5JudQ39eg', 'alice', 'alice', 'alice@example.com', 0, 1, 1893553445000, null, null);
insert into credential (subject, kind, value, tries, tries_since, created_at) values ('', 'password', '', 0, 0, 0);
insert into credential (subject, kind, value, tries, tries_since, created_at) values ('DvuZQ5la7_GQU5JudQ39eg', 'password', 'AQAAAAIAAzRQAAAAEF9PVe0L3djsX+Jropz90QjMsrIfm8rYsHH3A3Po3L3f/zCIk77j1yxCuVPbym2iHA==', 0, 1893553445000, 1893553445000);
insert into session (id, key, subject, epoch, auth_time, amr, expires_at, last_seen_at, ended_at, acr) values ('\x01b8e09498887611bd065e98d57368ba', '\x6a11ea9687ca120e7a1a0ebc49231006', 'DvuZQ5la7_GQU5JudQ39eg', 1, 1893553445000, 'pwd', 1893596645000, 1893553445000, null, 'urn:proofkey:acr:password');
insert into authorization_grant (id, client_id, subject, epoch, session_id, scope, resource, auth_time, amr, secret_digest, seq, prev_seq, rotated_at, created_at, expires_at, revoked_at, outlives_session, acr, dpop_jkt, claims, notify) values ('\x01b8e09498887cd9addffa809267a2b2', '3G8T4bOYPe_vOIW-GPjOPA', 'DvuZQ5la7_GQU5JudQ39eg', 1, '\x01b8e09498887611bd065e98d57368ba', 'openid offline_access', null, 1893553445000, 'pwd', '\x9fc43161a0d0ff708d3d4d22c510b32d', 1, null, 0, 1893553445000, 1896145445000, null, 1, 'urn:proofkey:acr:password', null, null, null);
insert into key (id, purpose, algorithm, sealed, not_before, retire_after, created_at) values ('5c6ced8b', 'seal', 'A256GCM', '\x6cda6d541573af9011d0bfc4baf00dbf124bca0d9abf3caa74b47ab8eabf48dcb3612507387f612c9e90a1ebce4ccc1487824d90488e52236ce4196f', 1893553445000, null, 1893553445000);
insert into key (id, purpose, algorithm, sealed, not_before, retire_after, created_at) values ('79Fe5RcRtDpnR64B_KOkIf7ZKY7Qs2XR4TxlxzYoJL4', 'sign', 'RS256', '\x47764f965695db5c7a4593b574f1c327876fdfddd9e596ddd0f7aa5fbd9999c429a245c9ade1dc8eca2001e31e8e6945533d4426413ad4ceeeaa5315b12c0f79c5b6f79b2478a0180fe9b83fca46e2725b80abe38873828229fb86052efce1646afa46beb36a409abfb0800d62ad9966aaad3a3765ee6211dfc0195ac917f1b5a315be5026a3cbd5a79752d07818a304196dede4504e1c3d628e59ca77990a213b832c29454580f5f732fb0a9be0c500e3b3e152d4bd7fca66f8305b3fa8f0f6657d1d1737e9d9e6f24edc8fc8330075e886c840108dde7016ff37a33a3c37f7d8c19553433dfbb1fe52f1b57d937d7704eb20f0b5b870baa6c84f11db73f644934189f1172c0119a46dc96fd793ce702b11425ff852980180849ba49149143a66adac360562367de4f9f20ac6cc77fa07389fb698353efe79b77560382bb8dd8b649ee77d819995704626bac92934e024c018daf57248cd7836349176cf2a63380f8eb1c965137ef5be1a26c3b31f8f5ca36d22ba55105efc90b9e9cf2494724470216c7eec9915c3552fcb6e88888422cc8d780c3264c5d0d3d7d8fec55c82036fa05967a3820bcc84d70e346766968293eedd624a668214c16e09262a3af7ab625fe5664cb254d511043b1a5736bee46ed71ea878f4a654733c7942d2edf1cb4c4ede1a3b9e35977f4b1d45e83268012284175b2ef831a86f3abe8b07815668463c6c580d3e753406e6b022da32e114f5a08d3911e40fe6c3e432fd181587990cc63581c1aa315f5826490aa69072269be1df1982aaf52fc2993f77fd13a69bde6de35fd06315a33429a19cf90dfeb36b42ed6c308fe491da0d508ecc7839bd5a6511c74e8c3b7c4cb7e089439565383cd42d59fd5f6b7941f2407c2c012d0906f84e6a753cfe6f41c1dd27b55e08a56c2d5d3ab9a7bbc0ec2c6b738dfddceb95339611c5101502fb3927e8e4620dcb858a48878dd1f8df1e67701ce95748b13f99bed3473a9a4e9d8d41b45e5b446de58c231c9a3fe93b39cae9bff0ba5670111ffa036236ac39fd285502f93e331c618b0bc1ed38d1789637888a417d14fa8bd18234e73a63ce4ce5297c40bb1cad3c0368baa79b6bda19b6707e7918da2dd985991d7c9e5300af43578052b86380dcd559cad354e40a204d1728473d3dff6e7265da3c705a1636a1d4a35718614d020887fd8a40d386871d6fd2abbc6eda64f9ae72969f48010b1c603b2b26047a7e2bc34e3508f28d44eb68e8c693d0a2d1c195a94e4e2282b6d436f525a24248dfcdd6800a621bc5d260773a8d70752881adbdd65b25ba49c7907c25b345e52d76544cbdf1b787d2b544f859237111beb594772aa0a53432121135dfe923598081951638e270b34e243138c7591ee521bf0b10c1abd63f0e38b7d8be9cc4cc9d9778d92f7cfd1d226b273827f68e5a2faa7340e584b7c0c7b342b78d5a8a1b5bfa373cd80565c9592c0ab8b4a6cb552c2cb98b048d66d2c28c6713f74cc605f0193544372bff263c217a14ba753598f11488e97376a6a8bacc25a24f945445573ac0102bc4fcb6b49934a67a34bfb66923aa867dbef836584fb02dcb9044a5e34f6410ceb563bd1c732470252ff46f851538cf228d59c2ca4542217ff8fe379bd66427d9a323d8772d6daf0001e342876150662b14b932244aca19906ce27686c6d36d95d77c4751e657e0e3773c21a89b49b394b9ccb98aa699ea9f569a86ffa2e39efe1f491b5936e694b2', 1893553445000, null, 1893553445000);
insert into key (id, purpose, algorithm, sealed, not_before, retire_after, created_at) values ('PcRqV2nCGaB4yBQDy9kwK0nizovhHy2cud9aIUzrXfg', 'sign', 'ES256', '\x2d7f74feb1d94a21629793ab7c020682b35b5819fe7759aac758ccf4853fd9a1fafeb411af427d8c7c47f843e7a06238eeff7556dd3c49f81b776a1b836d7c2b859c5fcc0b4923c3ca5ce6f8c169820a04fbb0f0423e406412b90cf398734359ca020457578b713f006079da3e819433b8e065285faed4d7fbabac093d6f88b045cb7c030fbb98d5272169eb8aed210e953122565e6990a9a97f8b2472f0a6d87219e1cd0978', 1893553445000, null, 1893553445000);
insert into audit_event (id, at, kind, subject, client_id, address, count, detail) values ('\x01b8e0949888769ab52f8208b6900227', 1893553445000, 'user-added', 'DvuZQ5la7_GQU5JudQ39eg', null, null, 1, null);
insert into audit_event (id, at, kind, subject, client_id, address, count, detail) values ('\x01b8e09498887c1aa4313dfa738af143', 1893553445000, 'client-added', null, '3G8T4bOYPe_vOIW-GPjOPA', null, 1, 'Test client');
insert into audit_event (id, at, kind, subject, client_id, address, count, detail) values ('\x01b8e09498887c438639a7647e1a5d03', 1893553445000, 'signed-in', 'DvuZQ5la7_GQU5JudQ39eg', '3G8T4bOYPe_vOIW-GPjOPA', '127.0.0.1', 1, 'pwd');
insert into schema_version (version, applied_at) values (1, 1893553445000);
insert into schema_version (version, applied_at) values (2, 1893553445000);

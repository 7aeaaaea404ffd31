namespace ProofKey.Server.Storage;

/// <summary>
/// The tables. Migrations are numbered by their place, applied in one transaction under the write lock at start, and never edited once
/// released. No column that a refresh changes is in an index.
/// </summary>
internal static class Schema
{
    /// <summary>The subject of the credential that belongs to nobody: tries with unknown names are counted on it.</summary>
    public const string NobodysSubject = "";

    /// <summary>The version that this program works with.</summary>
    public static int NewestVersion { get; } = Migrations(DatabaseDialect.Sqlite).Length;

    /// <summary>Brings the database to the newest version.</summary>
    /// <param name="database">The database.</param>
    /// <param name="time">The time that stands beside a version.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <param name="mayUpgrade">Whether tables that are there may change. Servers of an older program go on with them, and do not start again.</param>
    /// <exception cref="DatabaseException">It cannot be written, is newer than this program, or older and must stay so.</exception>
    public static async Task MigrateAsync(Database database, TimeProvider time, CancellationToken cancellation, bool mayUpgrade = true)
    {
        // Nothing to do is the usual case, and then nothing is written: a read replica that serves introspection starts too.
        if (await IsNewestAsync(database, cancellation)) return;
        await database.AloneInTransactionAsync(async connection =>
        {
            await connection.ExecuteAsync("create table if not exists schema_version (version bigint primary key, applied_at bigint not null)", cancellation);
            var version = await VersionAsync(connection, cancellation);
            var migrations = Migrations(database.Dialect);
            if (version > migrations.Length)
                throw new DatabaseException(DatabaseFailure.Other, $"The database has version {version}, and this program knows {migrations.Length}: run a newer program.", null);
            if (!mayUpgrade && version > 0)
                throw new DatabaseException(
                    DatabaseFailure.Other,
                    $"The database has version {version}, and this program works with {migrations.Length}; nothing was changed. Use the program that its servers run, or bring the tables up to date with: proofkey database migrate",
                    null);
            for (var next = version; next < migrations.Length; next++)
            {
                foreach (var statement in migrations[next]) await connection.ExecuteAsync(statement, cancellation);
                await connection.ExecuteAsync($"insert into schema_version (version, applied_at) values ({(long)next + 1}, {time.GetUtcNow().ToUnixTimeMilliseconds()})", cancellation);
            }
        }, cancellation);
    }

    private static async Task<bool> IsNewestAsync(Database database, CancellationToken cancellation)
    {
        try
        {
            return (await database.ListAsync($"select coalesce(max(version), 0) from schema_version", row => row.GetInt64(0), cancellation)).Single() == NewestVersion;
        }
        catch (DatabaseException exception) when (exception.Failure is not (DatabaseFailure.Unreachable or DatabaseFailure.Damaged))
        {
            // A new database has no such table yet.
            return false;
        }
    }

    private static async Task<int> VersionAsync(DatabaseConnection connection, CancellationToken cancellation)
    {
        var version = await connection.Prepare($"select coalesce(max(version), 0) from schema_version").ExecuteScalarAsync(cancellation);
        return (int)(long)version!;
    }

    /// <summary>The statements of each version, in the order of the versions.</summary>
    internal static string[][] Migrations(DatabaseDialect dialect) =>
    [
        [
            $"""
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
            ) {dialect.KeyedTable}
            """,
            $"""
            create table client_origin (
                origin text not null,
                client_id text not null,
                primary key (origin, client_id)
            ) {dialect.KeyedTable}
            """,
            $"""
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
            ) {dialect.KeyedTable}
            """,
            $"""
            create table credential (
                subject text not null,
                kind text not null,
                value text not null,
                tries bigint not null,
                tries_since bigint not null,
                created_at bigint not null,
                primary key (subject, kind)
            ) {dialect.UpdatedTable}
            """,
            $"insert into credential (subject, kind, value, tries, tries_since, created_at) values ('{NobodysSubject}', 'password', '', 0, 0, 0)",
            $"""
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
            ) {dialect.UpdatedTable}
            """,
            "create index session_expires_at on session (expires_at)",
            $"""
            create table consent (
                subject text not null,
                client_id text not null,
                scope text not null,
                given_at bigint not null,
                primary key (subject, client_id)
            ) {dialect.KeyedTable}
            """,
            $"""
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
            ) {dialect.UpdatedTable}
            """,
            "create index authorization_grant_subject on authorization_grant (subject)",
            "create index authorization_grant_expires_at on authorization_grant (expires_at)",
            $"""
            create table key (
                id text primary key,
                purpose text not null,
                algorithm text not null,
                sealed bytea not null,
                not_before bigint not null,
                retire_after bigint,
                created_at bigint not null
            ) {dialect.KeyedTable}
            """,
        ],
        [
            "alter table client add column grant_types text not null default 'authorization_code refresh_token'",
            "alter table client add column jwks text",
            "alter table client add column jwks_uri text",
            "alter table client add column requires_par bigint not null default 0",
            "alter table client add column dpop_bound bigint not null default 0",
            "alter table client add column introspects text",
            "alter table client add column backchannel_logout_uri text",
            "alter table session add column acr text",
            "alter table consent add column asked text",
            "alter table authorization_grant add column outlives_session bigint not null default 0",
            "alter table authorization_grant add column acr text",
            "alter table authorization_grant add column dpop_jkt bytea",
            "alter table authorization_grant add column claims text",
            "alter table authorization_grant add column notify bigint",
            "create index authorization_grant_notify on authorization_grant (session_id) where notify = 1",
            $"""
            create table resource (
                uri text primary key,
                name text not null,
                scope text not null,
                created_at bigint not null
            ) {dialect.KeyedTable}
            """,
            $"""
            create table scope (
                name text primary key,
                description text not null
            ) {dialect.KeyedTable}
            """,
            $"""
            create table pushed_request (
                id bytea primary key,
                client_id text not null,
                parameters bytea not null,
                created_at bigint not null,
                expires_at bigint not null,
                used_at bigint
            ) {dialect.KeyedTable}
            """,
            "create index pushed_request_expires_at on pushed_request (expires_at)",
            $"""
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
            ) {dialect.KeyedTable}
            """,
            "create index device_code_expires_at on device_code (expires_at)",
            $"""
            create table user_code_try (
                asker bytea primary key,
                started_at bigint not null,
                tries bigint not null,
                earlier bigint not null,
                tried_at bigint not null
            ) {dialect.KeyedTable}
            """,
            "create index user_code_try_tried_at on user_code_try (tried_at)",
            $"""
            create table used_assertion (
                id bytea primary key,
                expires_at bigint not null
            ) {dialect.KeyedTable}
            """,
            "create index used_assertion_expires_at on used_assertion (expires_at)",
            $"""
            create table audit_event (
                id bytea primary key,
                at bigint not null,
                kind text not null,
                subject text,
                client_id text,
                address text,
                count bigint not null,
                detail text
            ) {dialect.KeyedTable}
            """,
            "create index audit_event_at on audit_event (at)",
            $"""
            create table logout_outbox (
                id bytea primary key,
                client_id text not null,
                subject text not null,
                session_id bytea not null,
                created_at bigint not null,
                next_try_at bigint not null,
                tries bigint not null
            ) {dialect.KeyedTable}
            """,
            "create index logout_outbox_next_try_at on logout_outbox (next_try_at)",
        ],
        [
            $"create table restoration (restored_at bigint primary key) {dialect.KeyedTable}",
        ],
        [
            "alter table client add column version bigint not null default 1",
        ],
    ];
}

using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>A person's account with ProofKey itself.</summary>
public sealed record Account
{
    /// <summary>The id that tokens carry as <c>sub</c>; random, and never given to anyone else (OpenID Connect Core section 5.7).</summary>
    public required string Subject { get; init; }

    /// <summary>The name that the person signs in with.</summary>
    public required string Name { get; init; }

    /// <summary>The e-mail address; nobody has proved it.</summary>
    public string? Email { get; init; }

    /// <summary>Whether the person may administer the server.</summary>
    public bool IsAdmin { get; init; }

    /// <summary>Raised by whatever ends all sessions and grants of the account at once.</summary>
    internal long Epoch { get; init; }

    /// <summary>When the account was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Since when the person is kept out; <see langword="null"/> when they are not.</summary>
    public DateTimeOffset? DisabledAt { get; init; }
}

/// <summary>What a sign-in needs of an account: who it is, and what the password is compared with.</summary>
internal sealed record PasswordAttempt(string Subject, long Epoch, string PasswordHash, long Tries);

/// <summary>The accounts and their credentials. A removed account stays as a tombstone, so that its grants stay dead.</summary>
internal sealed class AccountStore(Database database, LogoutOutbox outbox, TimeProvider time)
{
    private const string Password = "password";

    private static readonly SqlPart Columns = new("subject, name, email, is_admin, epoch, created_at, disabled_at");

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The one spelling under which a name is looked up: small letters, by the tables of the invariant culture.</summary>
    public static string NameKey(string name) => name.Trim().ToLowerInvariant();

    public ValueTask<Account?> FindByNameAsync(string name, CancellationToken cancellation) =>
        database.FindAsync($"select {Columns} from account where name_key = {NameKey(name)} and removed_at is null", Read, cancellation);

    public ValueTask<Account?> FindAsync(string subject, CancellationToken cancellation) =>
        database.FindAsync($"select {Columns} from account where subject = {subject} and removed_at is null and disabled_at is null", Read, cancellation);

    public ValueTask<List<Account>> ListAsync(CancellationToken cancellation) =>
        database.ListAsync($"select {Columns} from account where removed_at is null order by name_key", Read, cancellation);

    /// <summary>Adds an account with its password; <see langword="false"/> when the name is taken.</summary>
    public async ValueTask<bool> AddAsync(Account account, string passwordHash, AuditEvent audited)
    {
        var added = 0;
        // Both or neither: an account without a password would keep its name from everyone.
        await database.InTransactionAsync(async connection =>
        {
            added = await connection.ExecuteAsync(
                $"""
                insert into account (subject, name, name_key, email, is_admin, epoch, created_at)
                values ({account.Subject}, {account.Name}, {NameKey(account.Name)}, {account.Email}, {account.IsAdmin}, {account.Epoch}, {account.CreatedAt.ToUnixTimeMilliseconds()})
                on conflict do nothing
                """, CancellationToken.None);
            if (added == 0) return;
            await connection.ExecuteAsync(PasswordOf(account.Subject, passwordHash), CancellationToken.None);
            await connection.ExecuteAsync(AuditTrail.Entry(audited, time.GetUtcNow()), CancellationToken.None);
        }, CancellationToken.None);
        return added == 1;
    }

    /// <summary>Changes a password. Whoever knew the old one is signed out everywhere, in the same transaction.</summary>
    public Task SetPasswordAsync(string subject, string passwordHash, AuditEvent? audited = null) => EndAllAsync(subject, async connection =>
    {
        await connection.ExecuteAsync(PasswordOf(subject, passwordHash), CancellationToken.None);
        await connection.ExecuteAsync($"update account set epoch = epoch + 1 where subject = {subject}", CancellationToken.None);
        if (audited is not null) await connection.ExecuteAsync(AuditTrail.Entry(audited, time.GetUtcNow()), CancellationToken.None);
    });

    private Sql PasswordOf(string subject, string passwordHash) =>
        $"""
        insert into credential (subject, kind, value, tries, tries_since, created_at) values ({subject}, {Password}, {passwordHash}, 0, 0, {Now})
        on conflict (subject, kind) do update set value = excluded.value, tries = 0
        """;

    /// <summary>Removes an account: its name is free again, its subject never. Nothing else of the person stays.</summary>
    public async ValueTask<bool> RemoveAsync(string subject, AuditEvent audited)
    {
        var removed = 0;
        await EndAllAsync(subject, async connection =>
        {
            removed = await connection.ExecuteAsync(
                $"update account set removed_at = {Now}, name = '', name_key = null, email = null, epoch = epoch + 1 where subject = {subject} and removed_at is null", CancellationToken.None);
            if (removed == 1) await connection.ExecuteAsync(AuditTrail.Entry(audited, time.GetUtcNow()), CancellationToken.None);
            await connection.ExecuteAsync($"delete from credential where subject = {subject}", CancellationToken.None);
            await connection.ExecuteAsync($"delete from consent where subject = {subject}", CancellationToken.None);
        });
        return removed == 1;
    }

    /// <summary>Ends all sessions and grants of an account, in one UPDATE of one row.</summary>
    public async ValueTask RaiseEpochAsync(string subject) =>
        await EndAllAsync(subject, connection => connection.ExecuteAsync($"update account set epoch = epoch + 1 where subject = {subject}", CancellationToken.None));

    /// <summary>Disables an account: its sessions and grants end.</summary>
    /// <returns>Whether it was not disabled before.</returns>
    public async ValueTask<bool> DisableAsync(string subject, AuditEvent? audited = null)
    {
        var disabled = 0;
        await EndAllAsync(subject, async connection =>
        {
            disabled = await connection.ExecuteAsync(
                $"update account set disabled_at = {Now}, epoch = epoch + 1 where subject = {subject} and removed_at is null and disabled_at is null", CancellationToken.None);
            if (disabled == 1 && audited is not null) await connection.ExecuteAsync(AuditTrail.Entry(audited, time.GetUtcNow()), CancellationToken.None);
        });
        return disabled == 1;
    }

    /// <summary>Enables an account again. What ended when it was disabled stays ended: its epoch was raised then.</summary>
    /// <returns>Whether it was disabled.</returns>
    public async ValueTask<bool> EnableAsync(string subject, AuditEvent? audited = null) => await database.WriteAsync(
        $"update account set disabled_at = null where subject = {subject} and disabled_at is not null and removed_at is null", audited is null ? null : AuditTrail.Entry(audited, time.GetUtcNow())) == 1;

    /// <summary>
    /// Counts a try before the password is looked at, in one statement, so that parallel tries cannot slip past the limit. The count
    /// starts anew when the window is over, or began further than that in the future, since a clock was set back. An unknown or disabled name is counted on nobody's row, so that it costs the same write.
    /// </summary>
    public ValueTask<PasswordAttempt?> CountPasswordTryAsync(string name, TimeSpan window) => database.WriteAsync(
        $"""
        update credential set
            tries = case when tries_since < {Now - (long)window.TotalMilliseconds} or tries_since > {Now + (long)window.TotalMilliseconds} then 1 else tries + 1 end,
            tries_since = case when tries_since < {Now - (long)window.TotalMilliseconds} or tries_since > {Now + (long)window.TotalMilliseconds} then {Now} else tries_since end
        where kind = {Password} and subject = coalesce((select subject from account where name_key = {NameKey(name)} and removed_at is null and disabled_at is null), {Schema.NobodysSubject})
        returning subject, coalesce((select epoch from account where account.subject = credential.subject), 0), value, tries
        """,
        reader => new PasswordAttempt(reader.GetString(0), reader.GetInt64(1), reader.GetString(2), reader.GetInt64(3)));

    /// <summary>Puts a better hash of the same password in the place of an older one, unless the password was changed meanwhile.</summary>
    public async ValueTask RenewPasswordHashAsync(string subject, string older, string renewed) =>
        await database.WriteAsync($"update credential set value = {renewed} where subject = {subject} and kind = {Password} and value = {older}");

    public async ValueTask ForgetPasswordTriesAsync(string subject) =>
        await database.WriteAsync($"update credential set tries = 0 where subject = {subject} and kind = {Password}");

    // What raises the epoch ends every session of the account, and the clients that want to hear of it have to.
    private async Task EndAllAsync(string subject, Func<DatabaseConnection, Task> change)
    {
        await database.InTransactionAsync(async connection =>
        {
            // The row is ours now: a code that is redeemed beside us waits and finds the account changed, or its grant is found here.
            await connection.Prepare($"select epoch from account where subject = {subject} {database.Dialect.ForUpdate}").ExecuteScalarAsync();
            await LogoutOutbox.AddForAccountAsync(connection, subject, time.GetUtcNow());
            await change(connection);
        }, CancellationToken.None);
        outbox.Announce();
    }

    private static Account Read(DbDataReader reader) => new()
    {
        Subject = reader.GetString(0),
        Name = reader.GetString(1),
        Email = reader.IsDBNull(2) ? null : reader.GetString(2),
        IsAdmin = reader.GetInt64(3) != 0,
        Epoch = reader.GetInt64(4),
        CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(5)),
        DisabledAt = reader.IsDBNull(6) ? null : DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(6)),
    };
}

using ProofKey.Server.Keys;

namespace ProofKey.Server.Storage;

/// <summary>Does again what an entry of the audit trail says was revoked, inside the transaction of a restore.</summary>
internal sealed class AuditedRevocation(DatabaseConnection connection, RootKey root, DateTimeOffset now)
{
    private const int GrantIdDigits = 32;

    private readonly HashSet<string> _disabled = [];
    private readonly HashSet<string> _withoutPassword = [];

    private long Now => now.ToUnixTimeMilliseconds();

    /// <summary>Does it again.</summary>
    /// <returns>Whether the entry tells of a revocation; also where there is nothing left of what was revoked.</returns>
    public async Task<bool> ApplyAsync(AuditEntry entry)
    {
        switch (entry)
        {
            case { Kind: "grant-revoked" or "code-reused" or "refresh-token-reused" or "device-code-reused", Detail: { Length: GrantIdDigits } id } when id.All(char.IsAsciiHexDigit):
                await RunAsync($"update authorization_grant set revoked_at = {Now} where id = {Convert.FromHexString(id)} and revoked_at is null");
                return true;
            case { Kind: "grants-revoked", Subject: { } subject }:
                await RevokeGrantsAsync(subject, entry.ClientId, entry.At);
                return true;
            case { Kind: "consent-withdrawn", Subject: { } subject }:
                await RunAsync($"delete from consent where subject = {subject} and client_id = coalesce({entry.ClientId}, client_id) and given_at <= {entry.At.ToUnixTimeMilliseconds()}");
                return true;
            // The trail does not say in which browser, so it is every one of that person.
            case { Kind: "signed-out", Subject: { } subject }:
                await EndSessionsAsync(subject, entry.At);
                return true;
            case { Kind: "user-disabled", Subject: { } subject }:
                await DisableAsync(subject, entry.At);
                return true;
            // What ended when somebody was disabled stays ended. Nobody is let in here who was kept out when the backup was made.
            case { Kind: "user-enabled", Subject: { } subject } when _disabled.Remove(subject):
                await RunAsync($"update account set disabled_at = null where subject = {subject}");
                return false;
            case { Kind: "password-reset", Subject: { } subject }:
                await TakePasswordAsync(subject);
                return true;
            case { Kind: "user-removed", Subject: { } subject }:
                await RemoveAsync(subject, entry.At);
                return true;
            case { Kind: "client-removed", ClientId: { } client }:
                await RunAsync($"update client set removed_at = {entry.At.ToUnixTimeMilliseconds()} where id = {client} and removed_at is null");
                return true;
            case { Kind: "keys-revoked" }:
                await KeyStore.ReplaceAllAsync(connection, present => KeyRegistry.Replacements(root, present, now), CancellationToken.None);
                await KeyStore.EndAllAsync(connection, now, CancellationToken.None);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Ends everything of a person: sessions, grants, what waits for them and what they agreed to.</summary>
    public async Task EndPersonAsync(string subject)
    {
        await RaiseEpochAsync(subject);
        await RunAsync($"update session set ended_at = {Now} where subject = {subject} and ended_at is null");
        await RevokeGrantsAsync(subject, null, now);
        await RunAsync($"delete from consent where subject = {subject}");
    }

    /// <summary>Those whose password was taken, by name.</summary>
    public async Task<List<string>> ListWithoutPasswordAsync()
    {
        var names = new List<string>();
        foreach (var subject in _withoutPassword)
            if (await connection.Prepare($"select name from account where subject = {subject} and removed_at is null").ExecuteScalarAsync() is string name) names.Add(name);
        return names;
    }

    private async Task RevokeGrantsAsync(string subject, string? clientId, DateTimeOffset until)
    {
        await RunAsync($"update device_code set allowed = 0 where subject = {subject} and client_id = coalesce({clientId}, client_id) and allowed = 1");
        await RunAsync(
            $"""
            update authorization_grant set revoked_at = {Now}
            where subject = {subject} and client_id = coalesce({clientId}, client_id) and created_at <= {until.ToUnixTimeMilliseconds()} and revoked_at is null
            """);
    }

    private async Task EndSessionsAsync(string subject, DateTimeOffset until)
    {
        await LogoutOutbox.AddForAccountAsync(connection, subject, now);
        await RunAsync($"update session set ended_at = {Now} where subject = {subject} and auth_time <= {until.ToUnixTimeMilliseconds()} and ended_at is null");
    }

    private async Task DisableAsync(string subject, DateTimeOffset at)
    {
        await RaiseEpochAsync(subject);
        if (await RunAsync($"update account set disabled_at = {at.ToUnixTimeMilliseconds()} where subject = {subject} and disabled_at is null and removed_at is null") == 1) _disabled.Add(subject);
    }

    // The new password is lost, and the old one may be known to whomever it was changed against.
    private async Task TakePasswordAsync(string subject)
    {
        await RaiseEpochAsync(subject);
        if (await RunAsync($"update credential set value = '' where subject = {subject} and kind = 'password'") == 1) _withoutPassword.Add(subject);
    }

    private async Task RemoveAsync(string subject, DateTimeOffset at)
    {
        await RaiseEpochAsync(subject);
        await RunAsync($"update account set removed_at = {at.ToUnixTimeMilliseconds()}, name = '', name_key = null, email = null where subject = {subject} and removed_at is null");
        await RunAsync($"delete from credential where subject = {subject}");
        await RunAsync($"delete from consent where subject = {subject}");
    }

    private async Task RaiseEpochAsync(string subject)
    {
        await LogoutOutbox.AddForAccountAsync(connection, subject, now);
        await RunAsync($"update account set epoch = epoch + 1 where subject = {subject}");
    }

    private Task<int> RunAsync(Sql sql) => connection.ExecuteAsync(sql, CancellationToken.None);
}

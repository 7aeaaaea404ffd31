using ProofKey.Server.Accounts;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server;

/// <summary>One sign-in of a person at a client, without any secret of it.</summary>
public sealed record GrantSummary
{
    /// <summary>The id, in hexadecimal, as the log and the audit trail name it.</summary>
    public required string Id { get; init; }

    /// <summary>Whose it is.</summary>
    public required string Subject { get; init; }

    /// <summary>The client that holds its tokens.</summary>
    public required string ClientId { get; init; }

    /// <summary>What was granted.</summary>
    public required Scope Scope { get; init; }

    /// <summary>When the person signed in there.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the client last refreshed.</summary>
    public DateTimeOffset LastUsedAt { get; init; }

    /// <summary>Its absolute end.</summary>
    public DateTimeOffset ExpiresAt { get; init; }

    /// <summary>When it was revoked, if it was.</summary>
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>Whether its tokens work: neither revoked nor ended nor idle for too long, and account, client and session stand.</summary>
    public bool IsLive { get; init; }
}

/// <summary>Looks after people and what they granted: what an operator does beside a running server, on the same database. Each act counts at once.</summary>
public sealed class PeopleRegistry
{
    private readonly AccountStore _accounts;
    private readonly GrantStore _grants;
    private readonly PasswordSignIn _passwords;
    private readonly RotationPolicy _policy;
    private readonly TimeProvider _time;

    internal PeopleRegistry(AccountStore accounts, GrantStore grants, PasswordSignIn passwords, ServerOptions options, TimeProvider time) =>
        (_accounts, _grants, _passwords, _policy, _time) = (accounts, grants, passwords, options.Rotation, time);

    /// <summary>Finds a person, disabled or not.</summary>
    /// <param name="name">The name to sign in with.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The account, or <see langword="null"/>.</returns>
    public async Task<Account?> FindAsync(string name, CancellationToken cancellation) => await _accounts.FindByNameAsync(name, cancellation);

    /// <summary>Keeps a person out: nobody can sign in as them, and their sessions and tokens are dead.</summary>
    /// <param name="account">The person.</param>
    /// <returns>Whether they were not disabled before.</returns>
    public async Task<bool> DisableAsync(Account account)
    {
        ArgumentNullException.ThrowIfNull(account);
        return await _accounts.DisableAsync(account.Subject, new AuditEvent("user-disabled") { Subject = account.Subject });
    }

    /// <summary>Lets a person in again. What ended when they were disabled stays ended.</summary>
    /// <param name="account">The person.</param>
    /// <returns>Whether they were disabled; if not, nothing changes.</returns>
    public async Task<bool> EnableAsync(Account account)
    {
        ArgumentNullException.ThrowIfNull(account);
        return await _accounts.EnableAsync(account.Subject, new AuditEvent("user-enabled") { Subject = account.Subject });
    }

    /// <summary>Gives a person a new password, and ends all their sessions and tokens: whoever knew the old one is out.</summary>
    /// <param name="account">The person.</param>
    /// <param name="password">8 to 256 characters, and none that everybody tries first.</param>
    /// <returns>When it is done.</returns>
    /// <exception cref="FormatException">The password cannot be.</exception>
    public async Task ResetPasswordAsync(Account account, string password)
    {
        ArgumentNullException.ThrowIfNull(account);
        ArgumentNullException.ThrowIfNull(password);
        if (PasswordSignIn.ProblemWith(password, account.Name) is { } problem) throw new FormatException(problem);
        await _accounts.SetPasswordAsync(account.Subject, _passwords.Hash(password), new AuditEvent("password-reset") { Subject = account.Subject });
    }

    /// <summary>The grants of a person, of a client, of both or of all, the newest first.</summary>
    /// <param name="subject">Whose; <see langword="null"/> for anyone's.</param>
    /// <param name="clientId">Which client's; <see langword="null"/> for any.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The grants, at most 10,000; those that ended are kept for an hour.</returns>
    public async Task<IReadOnlyList<GrantSummary>> ListGrantsAsync(string? subject, string? clientId, CancellationToken cancellation)
    {
        var now = _time.GetUtcNow();
        return [.. (await _grants.ListAsync(subject, clientId, cancellation)).Select(grant => Summary(grant, now))];
    }

    /// <summary>Finds one grant.</summary>
    /// <param name="id">Its id, as 32 hexadecimal digits.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The grant, or <see langword="null"/>.</returns>
    public async Task<GrantSummary?> FindGrantAsync(string id, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (id.Length != 32 || !id.All(char.IsAsciiHexDigit)) return null;
        return await _grants.FindAsync(Convert.FromHexString(id), cancellation) is { } grant ? Summary(grant, _time.GetUtcNow()) : null;
    }

    /// <summary>Revokes one grant: its tokens are dead.</summary>
    /// <param name="grant">The grant.</param>
    /// <returns>Whether it was not revoked before.</returns>
    public async Task<bool> RevokeGrantAsync(GrantSummary grant)
    {
        ArgumentNullException.ThrowIfNull(grant);
        return await _grants.RevokeAsync(Convert.FromHexString(grant.Id), _time.GetUtcNow(), new AuditEvent("grant-revoked") { Subject = grant.Subject, ClientId = grant.ClientId, Detail = grant.Id });
    }

    /// <summary>Revokes all grants of a person, or those at one client, and what a device was allowed and has not fetched; what they agreed to there is forgotten, so that they are asked again. A code that is on its way lives for its minute, and a yes that a page just got for its ten. Sessions in browsers go on: to end those too, disable the person or reset the password.</summary>
    /// <param name="account">The person.</param>
    /// <param name="clientId">The client; <see langword="null"/> for all.</param>
    /// <returns>How many were revoked.</returns>
    public async Task<int> RevokeGrantsAsync(Account account, string? clientId)
    {
        ArgumentNullException.ThrowIfNull(account);
        return await _grants.RevokeAllAsync(account.Subject, clientId, _time.GetUtcNow(), new AuditEvent("grants-revoked") { Subject = account.Subject, ClientId = clientId });
    }

    private GrantSummary Summary(Grant grant, DateTimeOffset now) => new()
    {
        Id = Convert.ToHexStringLower(grant.Id),
        Subject = grant.Subject,
        ClientId = grant.ClientId,
        Scope = grant.Scope,
        CreatedAt = grant.CreatedAt,
        LastUsedAt = grant.LastUsedAt,
        ExpiresAt = grant.ExpiresAt,
        RevokedAt = grant.RevokedAt,
        IsLive = grant is { RevokedAt: null, Stands: true } && grant.ExpiresAt > now && _policy.IdleEndOf(grant) > now,
    };
}

namespace ProofKey.Server.Storage;

/// <summary>Something that changed someone's access.</summary>
/// <param name="Kind">What, such as <c>signed-in</c> or <c>grant-revoked</c>: lower-case words, for ever the same.</param>
internal sealed record AuditEvent(string Kind)
{
    public string? Subject { get; init; }

    public string? ClientId { get; init; }

    /// <summary>The network address that it came from.</summary>
    public string? Address { get; init; }

    /// <summary>What else tells the event apart: an id, a scope, a reason. Never a secret.</summary>
    public string? Detail { get; init; }
}

/// <summary>The security events, apart from logs: rows are added and never changed.</summary>
internal sealed class AuditTrail(Database database, TimeProvider time)
{
    public async ValueTask RecordAsync(AuditEvent audited)
    {
        var now = time.GetUtcNow();
        await database.WriteAsync(
            $"""
            insert into audit_event (id, at, kind, subject, client_id, address, count, detail)
            values ({Secret.NewId(now)}, {now.ToUnixTimeMilliseconds()}, {audited.Kind}, {audited.Subject}, {audited.ClientId}, {audited.Address}, 1, {audited.Detail})
            """);
    }
}

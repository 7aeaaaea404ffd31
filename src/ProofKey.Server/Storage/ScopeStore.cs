namespace ProofKey.Server.Storage;

/// <summary>What a scope lets a client do, as people read it on the consent page.</summary>
/// <param name="Name">The scope.</param>
/// <param name="Words">The words, fit below "it will be able to".</param>
public sealed record ScopeDescription(string Name, string Words);

/// <summary>The scopes that the operator put into words.</summary>
internal sealed class ScopeStore(Database database, TimeProvider time)
{
    public ValueTask<List<ScopeDescription>> ListAsync(CancellationToken cancellation) =>
        database.ListAsync($"select name, description from scope order by name", reader => new ScopeDescription(reader.GetString(0), reader.GetString(1)), cancellation);

    public async ValueTask SetAsync(ScopeDescription scope, AuditEvent audited) => await database.WriteAsync(
        $"insert into scope (name, description) values ({scope.Name}, {scope.Words}) on conflict (name) do update set description = excluded.description",
        AuditTrail.Entry(audited, time.GetUtcNow()));

    public async ValueTask<bool> RemoveAsync(string name, AuditEvent audited) =>
        await database.WriteAsync($"delete from scope where name = {name}", AuditTrail.Entry(audited, time.GetUtcNow())) == 1;
}

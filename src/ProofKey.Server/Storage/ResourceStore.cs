using System.Data.Common;
using ProofKey.Server.Protocol;

namespace ProofKey.Server.Storage;

/// <summary>The registered APIs.</summary>
internal sealed class ResourceStore(Database database, TimeProvider time)
{
    public ValueTask<List<RegisteredResource>> ListAsync(CancellationToken cancellation) =>
        database.ListAsync($"select uri, name, scope, created_at from resource order by created_at, uri", Read, cancellation);

    /// <summary>The registered APIs for a request that names one, or that may ask for a scope of one; any other costs no query.</summary>
    public async ValueTask<IReadOnlyList<RegisteredResource>> ListForAsync(Parameters parameters, RegisteredClient? client, CancellationToken cancellation) =>
        ResourceIndicator.IsAboutApi(parameters, client) ? await ListAsync(cancellation) : [];

    /// <returns>Whether there was none of that address.</returns>
    public async ValueTask<bool> AddAsync(RegisteredResource resource, AuditEvent audited) => await database.WriteAsync(
        $"""
        insert into resource (uri, name, scope, created_at)
        values ({resource.Address}, {resource.Name}, {resource.Scope.ToString()}, {resource.CreatedAt.ToUnixTimeMilliseconds()})
        on conflict do nothing
        """, AuditTrail.Entry(audited, time.GetUtcNow())) == 1;

    public async ValueTask<bool> UpdateAsync(RegisteredResource resource, AuditEvent audited) => await database.WriteAsync(
        $"update resource set name = {resource.Name}, scope = {resource.Scope.ToString()} where uri = {resource.Address}", AuditTrail.Entry(audited, time.GetUtcNow())) == 1;

    public async ValueTask<bool> RemoveAsync(string address, AuditEvent audited) =>
        await database.WriteAsync($"delete from resource where uri = {address}", AuditTrail.Entry(audited, time.GetUtcNow())) == 1;

    private static RegisteredResource Read(DbDataReader reader) => new()
    {
        Address = reader.GetString(0),
        Name = reader.GetString(1),
        Scope = Scope.Parse(reader.GetString(2)),
        CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(3)),
    };
}

namespace ProofKey.Server.Storage;

/// <summary>A key as it is stored: sealed with the root key.</summary>
internal sealed record StoredKey(string Id, string Purpose, string Algorithm, byte[] Sealed, DateTimeOffset NotBefore, DateTimeOffset CreatedAt);

/// <summary>The signing and sealing keys, shared by every replica on the same database.</summary>
internal sealed class KeyStore(Database database)
{
    public ValueTask<List<StoredKey>> ListAsync(CancellationToken cancellation) => database.ListAsync(
        $"select id, purpose, algorithm, sealed, not_before, created_at from key order by not_before, id",
        reader => new StoredKey(
            reader.GetString(0),
            reader.GetString(1),
            reader.GetString(2),
            reader.GetFieldValue<byte[]>(3),
            DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(4)),
            DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(5))),
        cancellation);

    public async ValueTask AddAsync(StoredKey key) => await database.WriteAsync(
        $"""
        insert into key (id, purpose, algorithm, sealed, not_before, created_at)
        values ({key.Id}, {key.Purpose}, {key.Algorithm}, {key.Sealed}, {key.NotBefore.ToUnixTimeMilliseconds()}, {key.CreatedAt.ToUnixTimeMilliseconds()})
        on conflict do nothing
        """);

    public async ValueTask RemoveAsync(string id) => await database.WriteAsync($"delete from key where id = {id}");
}

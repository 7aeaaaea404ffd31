using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>A key as it is stored: sealed with the root key.</summary>
internal sealed record StoredKey(string Id, string Purpose, string Algorithm, byte[] Sealed, DateTimeOffset NotBefore, DateTimeOffset? RetireAfter, DateTimeOffset CreatedAt);

/// <summary>The signing and sealing keys, shared by every replica on the same database.</summary>
internal sealed class KeyStore(Database database)
{
    private static readonly SqlPart Columns = new("id, purpose, algorithm, sealed, not_before, retire_after, created_at");

    private static Sql All => $"select {Columns} from key order by not_before, id";

    public ValueTask<List<StoredKey>> ListAsync(CancellationToken cancellation) => database.ListAsync(All, Read, cancellation);

    /// <summary>Adds what is missing. Asked under the write lock: of two servers that start at once, one makes the keys and the other finds them.</summary>
    /// <param name="missing">Makes the keys that a list lacks.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public Task AddAsync(Func<List<StoredKey>, IEnumerable<StoredKey>> missing, CancellationToken cancellation) => database.InTransactionAsync(
        async connection =>
        {
            var present = new List<StoredKey>();
            await using (var reader = await connection.Prepare(All).ExecuteReaderAsync(cancellation))
                while (await reader.ReadAsync(cancellation)) present.Add(Read(reader));
            foreach (var key in missing(present))
                await connection.ExecuteAsync(
                    $"""
                    insert into key ({Columns})
                    values ({key.Id}, {key.Purpose}, {key.Algorithm}, {key.Sealed}, {key.NotBefore.ToUnixTimeMilliseconds()}, {key.RetireAfter?.ToUnixTimeMilliseconds()}, {key.CreatedAt.ToUnixTimeMilliseconds()})
                    """, cancellation);
        }, cancellation);

    public async ValueTask RemoveAsync(string id) => await database.WriteAsync($"delete from key where id = {id}");

    private static StoredKey Read(DbDataReader reader) => new(
        reader.GetString(0),
        reader.GetString(1),
        reader.GetString(2),
        reader.GetFieldValue<byte[]>(3),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(4)),
        reader.IsDBNull(5) ? null : DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(5)),
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(6)));
}

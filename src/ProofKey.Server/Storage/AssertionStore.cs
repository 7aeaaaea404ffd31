namespace ProofKey.Server.Storage;

/// <summary>The client assertions that were used, until they have died.</summary>
internal sealed class AssertionStore(Database database)
{
    /// <summary>Uses an assertion. The primary key is the gate: it holds under any race and on any replica.</summary>
    /// <returns>Whether this was the first use.</returns>
    public async ValueTask<bool> UseAsync(byte[] id, DateTimeOffset endsAt) =>
        await database.WriteAsync($"insert into used_assertion (id, expires_at) values ({id}, {endsAt.ToUnixTimeMilliseconds()}) on conflict do nothing") == 1;
}

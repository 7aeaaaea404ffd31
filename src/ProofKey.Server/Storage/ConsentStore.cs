namespace ProofKey.Server.Storage;

/// <summary>What people have agreed to, one row for each account and client.</summary>
internal sealed class ConsentStore(Database database)
{
    public async ValueTask<Scope?> FindAsync(string subject, string clientId, CancellationToken cancellation) => await database.FindAsync(
        $"select scope from consent where subject = {subject} and client_id = {clientId}", reader => Scope.Parse(reader.GetString(0)), cancellation);

    public async ValueTask RememberAsync(string subject, string clientId, Scope scope, DateTimeOffset now) => await database.WriteAsync(
        $"""
        insert into consent (subject, client_id, scope, given_at) values ({subject}, {clientId}, {scope.ToString()}, {now.ToUnixTimeMilliseconds()})
        on conflict (subject, client_id) do update set scope = excluded.scope, given_at = excluded.given_at
        """);
}

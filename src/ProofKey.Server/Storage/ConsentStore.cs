namespace ProofKey.Server.Storage;

/// <summary>What a person agreed to for one client, out of what they were asked for.</summary>
internal sealed record RememberedConsent(Scope Agreed, Scope Asked)
{
    /// <summary>
    /// The same after another answer: the last word on each scope counts. What the client may not ask for any more is forgotten, so that no row
    /// grows beyond what a scope can hold.
    /// </summary>
    public RememberedConsent With(Scope agreed, Scope asked, RegisteredClient client) =>
        new(Agreed.Except(asked).Union(agreed).Intersect(client.Scope), Asked.Union(asked).Intersect(client.Scope));
}

/// <summary>What people have agreed to, one row for each account and client.</summary>
internal sealed class ConsentStore(Database database)
{
    public ValueTask<RememberedConsent?> FindAsync(string subject, string clientId, CancellationToken cancellation) => database.FindAsync(
        $"select scope, coalesce(asked, scope) from consent where subject = {subject} and client_id = {clientId}",
        reader => new RememberedConsent(Scope.Parse(reader.GetString(0)), Scope.Parse(reader.GetString(1))), cancellation);

    public async ValueTask RememberAsync(string subject, string clientId, RememberedConsent consent, DateTimeOffset now) => await database.WriteAsync(
        $"""
        insert into consent (subject, client_id, scope, asked, given_at) values ({subject}, {clientId}, {consent.Agreed.ToString()}, {consent.Asked.ToString()}, {now.ToUnixTimeMilliseconds()})
        on conflict (subject, client_id) do update set scope = excluded.scope, asked = excluded.asked, given_at = excluded.given_at
        """);
}

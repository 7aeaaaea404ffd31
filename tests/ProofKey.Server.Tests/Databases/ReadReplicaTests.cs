using System.Net;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Databases;

/// <summary>A server whose connections may read and no more, as those to a standby.</summary>
public sealed class ReadReplicaTests(PostgreSqlTokenServer at) : IClassFixture<PostgreSqlTokenServer>
{
    private const string Api = "https://read.example/";

    [Fact]
    [Assertion("RV-08")]
    public async Task It_starts_and_answers_introspection_and_writes_nothing()
    {
        var api = await at.Server.Registry.AddClientAsync(new ClientRegistration { Name = "API", IsPublic = false, Introspects = Api });
        var client = await at.AddClientAsync(registration => registration with { Audience = Api });
        var tokens = await at.TokensAsync("openid offline_access", client);
        var reads = PostgreSqlPlace.Of(at.ConnectionString + ";Options=-c default_transaction_read_only=on", at.Server.Settings.Data.RootKey);
        await using var replica = await Replica.StartAsync(at.Server, reads);
        Task<JsonAnswer> introspectAsync() => replica.PostAsync(new() { ["client_id"] = api.Client.Id, ["client_secret"] = api.Secret!, ["token"] = tokens.Text("access_token") }, "/introspect");

        (await introspectAsync()).Body.GetProperty("active").GetBoolean().ShouldBeTrue();
        var refused = await replica.PostAsync(new() { ["grant_type"] = "refresh_token", ["client_id"] = client.Id, ["refresh_token"] = tokens.Text("refresh_token") });
        (refused.Status, refused.Error).ShouldBe((HttpStatusCode.ServiceUnavailable, "temporarily_unavailable"));
        (await at.Server.RevokeAsync(client, tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK);
        (await introspectAsync()).Body.GetProperty("active").GetBoolean().ShouldBeFalse();
    }
}

using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Keys;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Two servers on one database are one authorization server.</summary>
public sealed class StorageReplicaTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Fact]
    [Assertion("TK-09")]
    [Rfc("RFC 6749", "10.5")]
    public async Task Of_32_exchanges_at_two_servers_one_wins()
    {
        await using var replica = await Replica.StartAsync(at.Server);
        for (var round = 0; round < 3; round++)
        {
            var code = await at.CodeAsync();
            var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(number => number % 2 == 0 ? at.PostAsync(code.Exchange()) : replica.PostAsync(code.Exchange())));
            var winner = answers.Where(answer => answer.Status == HttpStatusCode.OK).ShouldHaveSingleItem();
            answers.Where(answer => answer != winner).ShouldAllBe(answer => answer.Error == "invalid_grant");
            (await at.LivesAsync(winner.Text("access_token"))).ShouldBeFalse();
        }
    }

    [Fact]
    [Assertion("RT-03")]
    [Assertion("RT-11")]
    public async Task A_refresh_at_one_server_is_known_at_the_other_at_once()
    {
        await using var replica = await Replica.StartAsync(at.Server);
        var token = (await at.TokensAsync("openid offline_access")).Text("refresh_token");
        var fields = (string refreshToken) => new Dictionary<string, string> { ["grant_type"] = "refresh_token", ["client_id"] = at.Client.Id, ["refresh_token"] = refreshToken };
        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(number => number % 2 == 0 ? at.PostAsync(fields(token)) : replica.PostAsync(fields(token))));
        answers.ShouldAllBe(answer => answer.Status == HttpStatusCode.OK);
        var successor = answers.Select(answer => answer.Text("refresh_token")).Distinct().ShouldHaveSingleItem("two servers seal the same token alike");

        (await at.Server.RevokeAsync(at.Client, successor)).Status.ShouldBe(HttpStatusCode.OK);
        (await replica.PostAsync(fields(successor))).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("MD-07")]
    public async Task Servers_that_start_at_once_on_a_new_database_share_one_set_of_keys()
    {
        using var folder = new StorageFolder();
        var data = DataFolder.Open(folder.Path);
        await using (await Administration.OpenAsync(data, TestContext.Current.CancellationToken))
        {
            // The tables are there now, and no key.
        }
        var databases = Enumerable.Range(0, 4).Select(_ => new Database(data.CreateDataSource(), DatabaseDialect.Sqlite)).ToList();
        var options = new ServerOptions { IssuerAddress = "http://127.0.0.1", RootKey = data.RootKey };
        var rings = databases.ConvertAll(database => new KeyRing(new KeyStore(database), options, at.Server.Time, NullLogger<KeyRing>.Instance));
        await Task.WhenAll(rings.Select(ring => Task.Run(() => ring.LoadAsync(CancellationToken.None))));

        rings.Select(ring => Convert.ToHexString(ring.PublicKeys.ToJson())).Distinct().ShouldHaveSingleItem();
        var text = rings[0].Seal(SealPurpose.Code, "value"u8);
        rings.ShouldAllBe(ring => ring.Open(SealPurpose.Code, text) != null);
        foreach (var database in databases) await database.DisposeAsync();
    }
}

using System.Net;
using ProofKey.Server.Tests.Databases;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Two servers on one database are one authorization server.</summary>
public abstract class StorageReplicas(TokenServer at)
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
}

/// <summary>On SQLite, on one machine.</summary>
public sealed class StorageReplicaTests(TokenServer at) : StorageReplicas(at), IClassFixture<TokenServer>;

/// <summary>On PostgreSQL.</summary>
public sealed class StorageReplicaOnPostgreSqlTests(PostgreSqlTokenServer at) : StorageReplicas(at), IClassFixture<PostgreSqlTokenServer>;

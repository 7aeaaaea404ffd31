using System.Diagnostics;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;
using ProofKey.Tests.PostgreSql;

namespace ProofKey.Chaos;

/// <summary>Two servers on one PostgreSQL write the same grants, one of them from the first to the last and the other from the last to the first.</summary>
public sealed class OppositeOrdersTests
{
    private const int Many = 48;

    private static readonly RotationPolicy Strict = new(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromDays(14));

    private static readonly byte[] RowSecret = new byte[RefreshToken.SecretLength];

    // In each pass both write the same; whether two batches meet in the middle is chance.
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(Rounds.AreMany ? 60 : 3);

    [Fact]
    [Assertion("RT-03")]
    public async Task Servers_that_write_in_opposite_orders_wait_for_each_other_and_never_both()
    {
        var connectionString = await PostgreSqlCluster.NewDatabaseAsync();
        var passes = await RotateAsync(connectionString);
        // A process of the database counts when it ends.
        while (await PostgreSqlCluster.CountAsync(connectionString, "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()") > 0)
        {
            // Asking takes a while by itself.
        }
        (await PostgreSqlCluster.CountAsync(connectionString, "select deadlocks from pg_stat_database where datname = current_database()")).ShouldBe(0);
        (await PostgreSqlCluster.CountAsync(connectionString, "select min(seq) + max(seq) from authorization_grant")).ShouldBe(2 * (1 + passes), "no move was lost, and none was made twice");
    }

    /// <returns>How often each grant was rotated.</returns>
    private static async Task<long> RotateAsync(string connectionString)
    {
        using var data = new ServerData(connectionString);
        await using var @operator = await Operator.OpenAsync(data.Open());
        await using var one = await HostedServer.StartAsync(data.Open(), TimeProvider.System);
        await using var other = await HostedServer.StartAsync(data.Open(), TimeProvider.System);
        var grants = await RedeemedAsync(one, @operator);
        var (passes, began) = (0L, Stopwatch.GetTimestamp());
        for (; Stopwatch.GetElapsedTime(began) < Long; passes++)
        {
            var forward = grants.Select(grant => RotateAsync(one, grant, passes + 1)).ToList();
            var backward = grants.AsEnumerable().Reverse().Select(grant => RotateAsync(other, grant, passes + 1)).ToList();
            (await Task.WhenAll(forward.Concat(backward))).Count(row => row is not null).ShouldBe(grants.Count, "of each two, one moved the sequence");
        }
        Rounds.Tell($"{passes} passes, {passes * 2 * Many} writes, {Stopwatch.GetElapsedTime(began).TotalSeconds:F0} s");
        return passes;
    }

    private static async Task<List<Grant>> RedeemedAsync(HostedServer server, Operator @operator)
    {
        var person = await @operator.NewPersonAsync();
        var now = DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        var grants = Enumerable.Range(0, Many).Select(_ => new Grant
        {
            Id = Secret.NewId(now),
            ClientId = @operator.Client.Id,
            Subject = person.Subject,
            Epoch = 1,
            Scope = Scope.Parse("openid"),
            AuthTime = now,
            Amr = "pwd",
            SecretDigest = RefreshToken.DigestOf(RowSecret),
            CreatedAt = now,
            ExpiresAt = now.AddDays(1),
        }).ToList();
        foreach (var grant in grants) (await server.Of<GrantStore>().RedeemAsync(grant)).ShouldBeTrue();
        return grants;
    }

    private static Task<Grant?> RotateAsync(HostedServer server, Grant grant, long sequence) => server.Of<GrantStore>().RotateAsync(
        new RefreshToken(grant.Id, RowSecret, sequence), grant.ClientId, null, grant.CreatedAt.AddMilliseconds(sequence), Strict).AsTask();
}

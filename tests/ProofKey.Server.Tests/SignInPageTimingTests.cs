using System.Diagnostics;
using ProofKey.Server.Accounts;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Tests that measure time run when no other test does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}

[Collection(Alone.Name)]
public sealed class SignInPageTimingTests
{
    private const int MostRounds = 40;

    [Fact]
    [Assertion("UI-09")]
    public async Task Known_and_unknown_names_take_the_same_time()
    {
        await using var server = await RunningServer.StartAsync();
        var passwords = server.Service<PasswordSignIn>();
        (string Kind, string Name, string Password)[] kinds =
        [
            ("known name, wrong password", RunningServer.UserName, "wrong password"),
            ("unknown name, wrong password", "nobody", "wrong password"),
            ("known name, no password", RunningServer.UserName, ""),
            ("unknown name, no password", "nobody", ""),
            ("known name, endless password", RunningServer.UserName, new string('p', 20_000)),
        ];
        var fastest = kinds.ToDictionary(kind => kind.Kind, _ => double.MaxValue);
        for (var round = 1; round <= MostRounds; round++)
        {
            foreach (var (kind, name, password) in kinds)
            {
                var watch = Stopwatch.StartNew();
                (await passwords.TryAsync(name, password, _ => false, TestContext.Current.CancellationToken))!.Account.ShouldBeNull();
                fastest[kind] = Math.Min(fastest[kind], watch.Elapsed.TotalMilliseconds);
            }
            // Other work makes a try slower and never faster, so the fastest ones settle at the true cost; a real difference stays however many there are.
            if (round >= 4 && Spread(fastest) < 1.15) break;
        }
        Spread(fastest).ShouldBeLessThan(1.3, string.Join("; ", fastest));
        fastest.Values.Min().ShouldBeGreaterThan(5, "each try costs a whole hash");
    }

    [Fact]
    [Assertion("UI-09")]
    public async Task The_try_that_locks_an_account_costs_as_many_commits_as_one_with_an_unknown_name()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync();
        using var person = server.NewPerson();
        var form = await person.SignInFormAsync(new AuthorizeUrl(server, client));
        async Task<long[]> CommitsOfTriesAsync(string name)
        {
            var counted = new List<long>();
            for (var tries = 0; tries <= PasswordSignIn.MaxTries + 1; tries++)
            {
                var before = SqliteLog.CommitsIn(server.Folder);
                (await person.PostOnceAsync(form, [("username", name), ("password", "wrong password")])).StatusCode.ShouldBe(System.Net.HttpStatusCode.BadRequest);
                counted.Add(SqliteLog.CommitsIn(server.Folder) - before);
            }
            return [.. counted];
        }

        var known = await CommitsOfTriesAsync(RunningServer.UserName);
        known.ShouldAllBe(count => count > 0);
        known.ShouldBe(await CommitsOfTriesAsync("nobody"));
        (await server.Registry.ReadAuditTrailAsync(new AuditFilter { Kind = "account-locked" }, null, TestContext.Current.CancellationToken)).ShouldHaveSingleItem();
    }

    private static double Spread(Dictionary<string, double> fastest) => fastest.Values.Max() / fastest.Values.Min();
}

using System.Net;
using ProofKey.Server.Tests.Databases;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Concurrency;

/// <summary>Many clients at once on the same codes and tokens: judged from what they wrote down.</summary>
public abstract class ParallelUse(TokenServer at, bool strict)
{
    private const int Many = 32;

    private readonly ClientLog _log = new(at.Server);

    [Fact]
    [Assertion("TK-09")]
    [Assertion("TK-07")]
    public async Task Of_32_redemptions_of_one_code_one_wins_and_then_nothing_of_it_works()
    {
        for (var round = 0; round < 5; round++)
        {
            var code = await at.CodeAsync();
            var answers = await Task.WhenAll(Enumerable.Range(0, Many).Select(_ => _log.RedeemAsync(code)));
            var winner = answers.Where(answer => answer.Status == HttpStatusCode.OK).ShouldHaveSingleItem();
            answers.Where(answer => answer != winner).ShouldAllBe(answer => answer.Error == "invalid_grant");
            (await _log.RefreshAsync(code, winner.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
            (await _log.UserinfoAsync(code, winner.Text("access_token"))).Status.ShouldBe(HttpStatusCode.Unauthorized);
        }
        SafetyInvariants.Broken(_log.Entries).ShouldBeEmpty();
    }

    [Fact]
    [Assertion("RT-03")]
    public async Task Of_32_refreshes_of_one_token_one_chain_goes_on_at_most()
    {
        for (var round = 0; round < 5; round++)
        {
            var code = await at.CodeAsync();
            var token = (await _log.RedeemAsync(code)).Text("refresh_token");
            var answers = await Task.WhenAll(Enumerable.Range(0, Many).Select(_ => _log.RefreshAsync(code, token)));
            var good = answers.Where(answer => answer.Status == HttpStatusCode.OK).ToList();
            answers.Except(good).ShouldAllBe(answer => answer.Error == "invalid_grant");
            good.Count.ShouldBe(strict ? 1 : Many);
            var successor = good.Select(answer => answer.Text("refresh_token")).Distinct().ShouldHaveSingleItem();
            // Every answer is followed two steps further.
            for (var step = 0; step < 2; step++)
            {
                at.Server.Time.Advance(TimeSpan.FromSeconds(11));
                var next = await Task.WhenAll(good.Select(_ => _log.RefreshAsync(code, successor)));
                if (strict) next.ShouldAllBe(answer => answer.Error == "invalid_grant", "the parallel callers were reuse");
                else successor = next.Select(answer => answer.Text("refresh_token")).Distinct().ShouldHaveSingleItem();
            }
        }
        SafetyInvariants.Broken(_log.Entries).ShouldBeEmpty();
    }

    [Fact]
    [Assertion("TK-06")]
    [Assertion("TK-08")]
    [Assertion("RT-05")]
    public async Task Replays_strangers_refreshes_and_revocations_at_once_break_nothing()
    {
        for (var round = 0; round < 12; round++)
        {
            var codes = await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ => await at.CodeAsync()));
            await Task.WhenAll(codes.SelectMany((code, number) => new[]
            {
                UseAsync(code, revokes: number % 2 == 0),
                number == 3 ? UseAsync(code, revokes: false) : Task.CompletedTask,
                _log.RedeemAsync(code, at.Other),
            }));
        }
        SafetyInvariants.Broken(_log.Entries).ShouldBeEmpty();
        _log.Entries.ShouldContain(entry => entry.Act == Act.Refresh && entry.Succeeded);
    }

    // A client that redeems, refreshes with two hands while another client tries the same token, and may revoke in the middle of it.
    private async Task UseAsync(IssuedCode code, bool revokes)
    {
        var first = await _log.RedeemAsync(code);
        if (first.Status != HttpStatusCode.OK) return;
        var (access, token) = (first.Text("access_token"), first.Text("refresh_token"));
        for (var step = 0; step < 3; step++)
        {
            var hands = new List<Task<JsonAnswer>> { _log.RefreshAsync(code, token), _log.RefreshAsync(code, token), _log.RefreshAsync(code, token, at.Other), _log.UserinfoAsync(code, access) };
            if (revokes && step == 1) hands.Add(_log.RevokeAsync(code, token));
            var answers = await Task.WhenAll(hands);
            at.Server.Time.Advance(TimeSpan.FromSeconds(11));
            if (answers[0].Status == HttpStatusCode.OK) token = answers[0].Text("refresh_token");
        }
        await _log.RefreshAsync(code, token);
        await _log.UserinfoAsync(code, access);
    }
}

/// <summary>With a leeway and a tolerated predecessor.</summary>
public sealed class ParallelUseTests(TokenServer at) : ParallelUse(at, strict: false), IClassFixture<TokenServer>;

/// <summary>To the letter.</summary>
public sealed class ParallelStrictUseTests(StrictTokenServer at) : ParallelUse(at, strict: true), IClassFixture<StrictTokenServer>;

/// <summary>On PostgreSQL.</summary>
public sealed class ParallelUseOnPostgreSqlTests(PostgreSqlTokenServer at) : ParallelUse(at, strict: false), IClassFixture<PostgreSqlTokenServer>;

/// <summary>To the letter, on PostgreSQL.</summary>
public sealed class ParallelStrictUseOnPostgreSqlTests(StrictPostgreSqlTokenServer at) : ParallelUse(at, strict: true), IClassFixture<StrictPostgreSqlTokenServer>;

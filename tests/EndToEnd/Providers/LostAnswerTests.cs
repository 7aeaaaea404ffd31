using System.Text.RegularExpressions;

namespace EndToEnd.Providers;

/// <summary>
/// A server without a leeway ends a session whose refresh token comes twice. Where an answer was lost, because the program was killed while it waited, that is
/// what happens to the honest client, too: it is explained, and one sign-in cures it.
/// </summary>
[Trait("Chaos", "long form")]
public sealed partial class LostAnswerTests(NodeOidcProvider provider, Chromium chromium) : IClassFixture<NodeOidcProvider>, IDisposable
{
    private const string Refresh = "refresh_token";

    private readonly ProofKeyProgram _program = new();

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/auth\?\S+")]
    private static partial Regex AuthorizationRequest { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _program.Dispose();

    [Fact]
    [Assertion("RT-15")]
    public async Task Twenty_programs_with_an_expired_session_refresh_once_and_say_the_same()
    {
        var before = await RefreshesAsync();
        await SignInAsync();
        using var vault = new SharedVault(_program.Sessions, _program.KeyFile);

        var answers = await Twenty(vault).UndisturbedAsync(Cancellation);

        TokenOf(answers, provider.Said).ShouldNotBeEmpty();
        (await RefreshesAsync()).ShouldBe((before.Granted + 1, before.Refused));
    }

    // Three kills in the short form; PROOFKEY_CHAOS_ROUNDS times eight in the long one.
    [Fact]
    [Assertion("RT-15")]
    [Assertion("RT-16")]
    public async Task One_of_twenty_programs_that_is_killed_at_any_moment_leaves_a_session_or_an_explanation_and_one_sign_in_cures_that()
    {
        var (kills, cured) = (new List<Kill>(), 0);
        await provider.TokensLastAsync(3600, Cancellation);
        await Rounds.RunAsync(async dice =>
        {
            await SignInAsync();
            using var vault = new SharedVault(_program.Sessions, _program.KeyFile);
            var twenty = Twenty(vault);
            TokenOf(await twenty.UndisturbedAsync(Cancellation), provider.Said);
            for (var number = 0; number < (Rounds.AreMany ? 8 : 3);)
            {
                var before = await RefreshesAsync();
                var kill = await twenty.KillAsync(dice, whoRenews: number % 2 == 0, Cancellation);
                var lived = kill.Others.All(other => other.ExitCode == 0);
                if (lived)
                {
                    await ShouldBeAliveAsync(kill, before);
                }
                else
                {
                    await ShouldBeExplainedAsync(kill, before);
                    await SignInAsync();
                }
                await vault.ExpireAsync();
                (await _program.OutputOfAsync(["token"], Cancellation)).ShouldNotBeEmpty(kill.Errors);
                if (kill.Moment is null) continue;
                number++;
                kills.Add(kill);
                if (!lived) cured++;
            }
        });
        Rounds.Tell($"{kills.Count} kills, {Kill.Moments(kills)}: {kills.Count - cured} sessions lived on, {cured} were explained and cured by one sign-in");
    }

    [Fact]
    [Assertion("RT-16")]
    public async Task An_answer_that_is_lost_after_the_server_has_rotated_is_explained_and_one_sign_in_cures_it()
    {
        await provider.TokensLastAsync(1, Cancellation);
        await SignInAsync();
        await provider.HoldAnswersAsync(20_000, Cancellation);
        var rotated = provider.Grants(Refresh) + 1;
        await using (var victim = _program.Start("token"))
            await provider.GrantedAsync(Refresh, rotated, Cancellation);
        await provider.HoldAnswersAsync(0, Cancellation);
        var next = await _program.RunAsync(["token"], Cancellation);
        next.ExitCode.ShouldBe(4, next.Errors + provider.Said);
        next.Errors.ShouldContain("interrupted");
        // Who asks later is told so too, though the session has gone.
        (await _program.RunAsync(["token"], Cancellation)).ShouldBe(next);
        await SignInAsync();
        (await _program.OutputOfAsync(["token"], Cancellation)).ShouldNotBeEmpty();
    }

    private OneOfTwenty Twenty(SharedVault vault) => new(vault, () => new RunningToken(_program.Command("token")));

    private static string TokenOf(IReadOnlyList<Said> answers, string why)
    {
        answers.ShouldAllBe(answer => answer.ExitCode == 0, why);
        return answers.Select(answer => answer.Output).Distinct().ShouldHaveSingleItem(why);
    }

    // What the server said is read up to here when it knows what it was told last.
    private async Task<(int Granted, int Refused)> RefreshesAsync()
    {
        await provider.TokensLastAsync(3600, Cancellation);
        return (provider.Grants(Refresh), provider.Refusals(Refresh));
    }

    // One refresh, whoever made it. The one that was killed and the one that came after it may both have sent the token before the server had spent it.
    private async Task ShouldBeAliveAsync(Kill kill, (int Granted, int Refused) before)
    {
        TokenOf(kill.Others, kill.Errors).ShouldNotBeEmpty();
        var after = await RefreshesAsync();
        (after.Granted - before.Granted).ShouldBeInRange(1, kill.Moment == Moment.WhileItRenewed ? 2 : 1, kill.Errors + provider.Said);
        after.Refused.ShouldBe(before.Refused, kill.Errors + provider.Said);
    }

    // The refresh whose answer was lost, and one that was refused: all the others heard of that one.
    private async Task ShouldBeExplainedAsync(Kill kill, (int Granted, int Refused) before)
    {
        kill.Others.ShouldAllBe(other => other.ExitCode == 4 && other.Errors.Contains("interrupted", StringComparison.Ordinal), kill.Errors);
        kill.Moment.ShouldNotBe(Moment.After, kill.Errors);
        (await RefreshesAsync()).ShouldBe((before.Granted + 1, before.Refused + 1), kill.Errors + provider.Said);
    }

    private async Task SignInAsync()
    {
        await using var login = _program.Start("login", provider.Issuer, "--client-id", "terminal", "--browser");
        await using var observed = await chromium.NewPageAsync();
        await observed.Page.GotoAsync((await login.ReadUntilAsync(AuthorizationRequest, Cancellation)).Value);
        await NodeOidcProviderTests.SignInAsync(observed);
        var result = await login.ExitAsync(Cancellation);
        result.ExitCode.ShouldBe(0, result.Errors);
    }
}

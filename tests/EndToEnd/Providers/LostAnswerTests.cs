using System.Text.RegularExpressions;

namespace EndToEnd.Providers;

/// <summary>
/// A server without a leeway ends a session whose refresh token comes twice. Where an answer was lost, because the program was killed while it waited, that is
/// what happens to the honest client, too: it is explained, and one sign-in cures it.
/// </summary>
public sealed partial class LostAnswerTests(NodeOidcProvider provider, Chromium chromium) : IClassFixture<NodeOidcProvider>, IDisposable
{
    private static readonly int Rounds = int.TryParse(Environment.GetEnvironmentVariable("PROOFKEY_KILLS"), out var many) ? many : 6;

    private readonly ProofKeyProgram _program = new();

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/auth\?\S+")]
    private static partial Regex AuthorizationRequest { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _program.Dispose();

    [Fact]
    [Assertion("RT-15")]
    [Assertion("RT-16")]
    public async Task A_program_that_is_killed_at_any_moment_keeps_the_session_or_says_what_became_of_it()
    {
        // Tokens that last a second: each command refreshes.
        await provider.TokensLastAsync(1, Cancellation);
        await SignInAsync();
        var cured = 0;
        for (var round = 0; round < Rounds; round++)
        {
            await using (var victim = _program.Start("token"))
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(1200)), TimeProvider.System, Cancellation);
            if (await IsCuredAsync()) cured++;
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{Rounds} kills: {Rounds - cured} sessions lived on, {cured} were explained and cured by one sign-in.");
    }

    [Fact]
    [Assertion("RT-16")]
    public async Task An_answer_that_is_lost_after_the_server_has_rotated_is_explained_and_one_sign_in_cures_it()
    {
        await provider.TokensLastAsync(1, Cancellation);
        await SignInAsync();
        await provider.HoldAnswersAsync(20_000, Cancellation);
        var rotated = provider.Grants("refresh_token") + 1;
        await using (var victim = _program.Start("token"))
            await provider.GrantedAsync("refresh_token", rotated, Cancellation);
        await provider.HoldAnswersAsync(0, Cancellation);
        (await IsCuredAsync()).ShouldBeTrue(provider.Said);
    }

    // Whether a person was needed after the kill.
    private async Task<bool> IsCuredAsync()
    {
        var next = await _program.RunAsync(["token"], Cancellation);
        if (next.ExitCode == 0) return false;
        next.ExitCode.ShouldBe(4, next.Errors + provider.Said);
        next.Errors.ShouldContain("interrupted");
        await SignInAsync();
        (await _program.OutputOfAsync(["token"], Cancellation)).ShouldNotBeEmpty();
        return true;
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

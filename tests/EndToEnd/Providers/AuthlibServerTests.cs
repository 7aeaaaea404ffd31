using System.Text.RegularExpressions;
using static Microsoft.Playwright.Assertions;

namespace EndToEnd.Providers;

/// <summary>The program against a plain provider of another make, with a person at a real browser.</summary>
public sealed partial class AuthlibServerTests(AuthlibServer provider, Chromium chromium) : IClassFixture<AuthlibServer>, IDisposable
{
    private readonly ProofKeyProgram _program = new();

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/authorize\?\S+")]
    private static partial Regex AuthorizationRequest { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task A_person_signs_in_the_session_renews_and_logout_ends_it_there()
    {
        await provider.TokensLastAsync(1, Cancellation);
        await using var login = _program.Start("login", provider.Issuer, "--client-id", "terminal", "--browser");
        await using var observed = await chromium.NewPageAsync();
        var address = (await login.ReadUntilAsync(AuthorizationRequest, Cancellation)).Value;
        address.ShouldNotContain("form_post", Case.Sensitive, "it lists query alone");
        await observed.Page.GotoAsync(address);
        await observed.Page.Locator("[name=username]").FillAsync("alice");
        await observed.LeaveAsync("button[value=sign-in]");
        await observed.LeaveAsync("button[value=allow]");
        var result = await login.ExitAsync(Cancellation);
        result.ExitCode.ShouldBe(0, result.Errors);
        await Expect(observed.Page.Locator("h1")).ToHaveTextAsync("You are signed in");
        new Uri(observed.Page.Url).Query.ShouldBeEmpty("nothing of the answer stays in the browser's address");

        var refreshes = provider.Grants("refresh_token");
        var second = await _program.OutputOfAsync(["token"], Cancellation);
        await provider.TokensLastAsync(3600, Cancellation);
        var third = await _program.OutputOfAsync(["token"], Cancellation);
        third.ShouldNotBe(second, provider.Said);
        provider.Grants("refresh_token").ShouldBe(refreshes + 2);
        (await provider.TakesAsync(third, "/userinfo", Cancellation)).ShouldBeTrue();
        (await _program.OutputOfAsync(["whoami"], Cancellation)).ShouldContain("The person alice");

        await _program.OutputOfAsync(["logout"], Cancellation);
        (await provider.TakesAsync(third, "/userinfo", Cancellation)).ShouldBeFalse();
        (await _program.RunAsync(["token"], Cancellation)).ExitCode.ShouldBe(4);
    }

    [Fact]
    public async Task What_it_cannot_do_is_said_before_anybody_is_asked()
    {
        var device = await _program.RunAsync(["login", provider.Issuer, "--client-id", "terminal", "--device"], Cancellation);
        device.ExitCode.ShouldNotBe(0);
        device.Errors.ShouldContain("device");
        var bound = await _program.RunAsync(["login", provider.Issuer, "--client-id", "terminal", "--browser", "--dpop"], Cancellation);
        bound.ExitCode.ShouldNotBe(0);
        bound.Errors.ShouldContain("DPoP");
    }
}

using System.Text.RegularExpressions;
using static Microsoft.Playwright.Assertions;

namespace EndToEnd.Providers;

/// <summary>The program against node-oidc-provider, with a person at a real browser.</summary>
public sealed partial class NodeOidcProviderTests(NodeOidcProvider provider, Chromium chromium) : IClassFixture<NodeOidcProvider>, IDisposable
{
    private readonly ProofKeyProgram _program = new();

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/auth\?\S+")]
    private static partial Regex AuthorizationRequest { get; }

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/device\?user_code=\S+")]
    private static partial Regex DeviceAddress { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _program.Dispose();

    [Fact]
    [Assertion("CL-08")]
    [Rfc("RFC 9126", "4")]
    public async Task A_person_signs_in_by_a_pushed_request_and_a_posted_answer_the_session_renews_and_logout_ends_it_there()
    {
        await provider.TokensLastAsync(1, Cancellation);
        await using var login = Login("terminal", "--browser");
        await using var observed = await chromium.NewPageAsync();
        var address = (await login.ReadUntilAsync(AuthorizationRequest, Cancellation)).Value;
        address.ShouldContain("request_uri=");
        address.ShouldNotContain("code_challenge");
        await observed.Page.GotoAsync(address);
        await SignInAsync(observed);
        var result = await login.ExitAsync(Cancellation);
        result.ExitCode.ShouldBe(0, result.Errors);
        await Expect(observed.Page.Locator("h1")).ToHaveTextAsync("You are signed in");
        observed.Requests.ShouldContain(request => Regex.IsMatch(request, @"^POST http://127\.0\.0\.1:\d+/callback$"));
        observed.Requests.ShouldNotContain(request => request.Contains("code=", StringComparison.Ordinal));

        var refreshes = provider.Grants("refresh_token");
        var second = await _program.OutputOfAsync(["token"], Cancellation);
        await provider.TokensLastAsync(3600, Cancellation);
        var third = await _program.OutputOfAsync(["token"], Cancellation);
        third.ShouldNotBe(second, provider.Said);
        provider.Grants("refresh_token").ShouldBe(refreshes + 2, "each with the refresh token that the one before brought");
        (await _program.OutputOfAsync(["token"], Cancellation)).ShouldBe(third, "it lasts an hour");
        (await provider.TakesAsync(third, "/me", Cancellation)).ShouldBeTrue();
        (await _program.OutputOfAsync(["whoami"], Cancellation)).ShouldContain("The person alice");

        await _program.OutputOfAsync(["logout"], Cancellation);
        (await provider.TakesAsync(third, "/me", Cancellation)).ShouldBeFalse();
        (await _program.RunAsync(["token"], Cancellation)).ExitCode.ShouldBe(4);
    }

    [Fact]
    [Assertion("DP-01")]
    [Rfc("RFC 9449", "8")]
    public async Task Tokens_bound_to_a_key_are_renewed_and_used_with_proofs_and_are_worth_nothing_without()
    {
        await provider.TokensLastAsync(1, Cancellation);
        await using var login = Login("strict-terminal", "--no-browser", "--dpop");
        await using var observed = await chromium.NewPageAsync();
        await observed.Page.GotoAsync((await login.ReadUntilAsync(AuthorizationRequest, Cancellation)).Value);
        await SignInAsync(observed);
        var result = await login.ExitAsync(Cancellation);
        result.ExitCode.ShouldBe(0, result.Errors);

        var refreshes = provider.Grants("refresh_token");
        await _program.OutputOfAsync(["token"], Cancellation);
        await provider.TokensLastAsync(3600, Cancellation);
        var token = await _program.OutputOfAsync(["token"], Cancellation);
        provider.Grants("refresh_token").ShouldBe(refreshes + 2);
        (await _program.OutputOfAsync(["call", "GET", $"{provider.Issuer}/me"], Cancellation)).ShouldContain("\"sub\":\"alice\"");
        (await provider.TakesAsync(token, "/me", Cancellation)).ShouldBeFalse("it is bound, and came without a proof");
        await _program.OutputOfAsync(["logout"], Cancellation);
    }

    [Fact]
    [Rfc("RFC 8628", "3.4")]
    public async Task A_person_elsewhere_lets_the_program_in_by_a_device_code()
    {
        await provider.TokensLastAsync(1, Cancellation);
        await using var login = Login("terminal", "--device");
        await using var observed = await chromium.NewPageAsync();
        await observed.Page.GotoAsync((await login.ReadUntilAsync(DeviceAddress, Cancellation)).Value);
        // The page sends the code by itself, and asks whether the person has it before their eyes.
        await observed.Page.Locator("button[type=submit][autofocus]").ClickAsync();
        await SignInAsync(observed);
        var result = await login.ExitAsync(Cancellation);
        result.ExitCode.ShouldBe(0, result.Errors);
        await provider.TokensLastAsync(3600, Cancellation);
        var refreshes = provider.Grants("refresh_token");
        await _program.OutputOfAsync(["token"], Cancellation);
        provider.Grants("refresh_token").ShouldBe(refreshes + 1);
        (await _program.OutputOfAsync(["whoami"], Cancellation)).ShouldContain("The person alice");
    }

    [Fact]
    public async Task A_person_who_cancels_there_is_told_so_here()
    {
        await using var login = Login("terminal", "--browser");
        await using var observed = await chromium.NewPageAsync();
        await observed.Page.GotoAsync((await login.ReadUntilAsync(AuthorizationRequest, Cancellation)).Value);
        await observed.Page.GetByText("[ Cancel ]").ClickAsync();
        var result = await login.ExitAsync(Cancellation);
        result.ExitCode.ShouldBe(9, result.Errors);
        await Expect(observed.Page.Locator("h1")).ToHaveTextAsync("You did not sign in");
    }

    [Fact]
    [Assertion("LO-14")]
    [Rfc("OpenID Connect RP-Initiated Logout", "2")]
    public async Task Only_a_logout_that_ends_in_the_browser_has_the_next_sign_in_ask_for_the_password()
    {
        await using var observed = await chromium.NewPageAsync();
        await using (var first = await LoginAsync(observed))
        {
            await SignInAsync(observed);
            (await first.ExitAsync(Cancellation)).ExitCode.ShouldBe(0);
        }

        await _program.OutputOfAsync(["logout"], Cancellation);
        await using (var second = await LoginAsync(observed))
        {
            await Expect(observed.Page.Locator("[name=password]")).ToHaveCountAsync(0);
            await observed.LeaveAsync("button[type=submit]:has-text('Continue')");
            (await second.ExitAsync(Cancellation)).ExitCode.ShouldBe(0);
        }

        var opened = await _program.LogoutInBrowserAsync(Cancellation);
        opened.AbsoluteUri.ShouldBe($"{provider.Issuer}/session/end?client_id=terminal");
        await observed.Page.GotoAsync(opened.AbsoluteUri);
        await Expect(observed.Page.Locator("h1")).ToContainTextAsync("Do you want to sign-out");
        await observed.PressAsync("Yes, sign me out");
        await using var third = await LoginAsync(observed);
        await Expect(observed.Page.Locator("[name=password]")).ToBeVisibleAsync();
    }

    private async Task<ChildProcess> LoginAsync(ObservedPage observed)
    {
        var login = Login("terminal", "--browser");
        await observed.Page.GotoAsync((await login.ReadUntilAsync(AuthorizationRequest, Cancellation)).Value);
        return login;
    }

    private ChildProcess Login(string client, params string[] options) => _program.Start(["login", provider.Issuer, "--client-id", client, .. options]);

    // Its pages for development: any name and password, then a page to consent.
    internal static async Task SignInAsync(ObservedPage observed)
    {
        await observed.Page.Locator("[name=login]").FillAsync("alice");
        await observed.Page.Locator("[name=password]").FillAsync("any");
        await observed.LeaveAsync("button[type=submit]");
        await observed.LeaveAsync("button[type=submit]:has-text('Continue')");
    }
}

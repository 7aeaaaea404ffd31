using System.Text.RegularExpressions;
using static Microsoft.Playwright.Assertions;

namespace EndToEnd;

/// <summary>One browser, in which a person signs in, and out of the program alone or out of the browser too.</summary>
public sealed partial class BrowserSignOutTests(RunningServer server, Chromium chromium) : IDisposable
{
    private readonly ProofKeyProgram _program = new();

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/authorize\?\S+")]
    private static partial Regex AuthorizationRequest { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _program.Dispose();

    [Fact]
    [Assertion("LO-14")]
    [Rfc("OpenID Connect RP-Initiated Logout", "2")]
    public async Task Only_a_logout_that_ends_in_the_browser_has_the_next_sign_in_ask_for_the_password()
    {
        var client = await server.AddClientAsync("Terminal", Cancellation, "--redirect-uri", "http://127.0.0.1/callback");
        await using var observed = await chromium.NewPageAsync();
        await using (var first = await LoginAsync(client, observed))
        {
            await observed.SignInAsync();
            await AllowAsync(first, observed);
        }

        await _program.OutputOfAsync(["logout"], Cancellation);
        await using (var second = await LoginAsync(client, observed))
        {
            // Whoever sits here now is in without a password.
            await Expect(observed.Page.Locator("[name=password]")).ToHaveCountAsync(0);
            await AllowAsync(second, observed);
        }

        var opened = await _program.LogoutInBrowserAsync(Cancellation);
        opened.AbsoluteUri.ShouldBe($"{server.Issuer}/logout?client_id={client}");
        await observed.Page.GotoAsync(opened.AbsoluteUri);
        await Expect(observed.Page.Locator("h1")).ToHaveTextAsync("Sign out?");
        await observed.PressAsync("Sign out");
        await using var third = await LoginAsync(client, observed);
        await Expect(observed.Page.Locator("[name=password]")).ToBeVisibleAsync();
        observed.Complaints.ShouldBeEmpty();
    }

    private async Task<ChildProcess> LoginAsync(string client, ObservedPage observed)
    {
        var login = _program.Start("login", server.Issuer, "--client-id", client, "--browser");
        await observed.Page.GotoAsync((await login.ReadUntilAsync(AuthorizationRequest, Cancellation)).Value);
        return login;
    }

    private static async Task AllowAsync(ChildProcess login, ObservedPage observed)
    {
        await observed.DecideAsync("allow");
        var result = await login.ExitAsync(Cancellation);
        result.ExitCode.ShouldBe(0, result.Errors);
    }
}

using System.Text.RegularExpressions;
using static Microsoft.Playwright.Assertions;

namespace EndToEnd;

/// <summary><c>proofkey login</c> with a person at a real browser, and what the other commands do with the session.</summary>
public sealed partial class LoginTests(RunningServer server, Chromium chromium) : IDisposable
{
    private readonly ProofKeyProgram _program = new();

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/authorize\?\S+")]
    private static partial Regex AuthorizationRequest { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task A_person_signs_in_calls_an_api_and_signs_out()
    {
        await using var api = await DemoApi.StartAsync(server.Issuer);
        await using var login = await BeginAsync();
        await using var observed = await OpenAsync(login);

        await observed.SignInAsync();
        await observed.DecideAsync("allow");
        var result = await login.ExitAsync(Cancellation);

        result.ExitCode.ShouldBe(0, result.Errors);
        await Expect(observed.Page.Locator("h1")).ToHaveTextAsync("You are signed in");
        observed.Complaints.ShouldBeEmpty();

        var token = await _program.OutputOfAsync(["token"], Cancellation);
        (await api.StatusForAsync(token, Cancellation)).ShouldBe(200);
        (await _program.OutputOfAsync(["call", "GET", api.Orders.AbsoluteUri], Cancellation)).ShouldBe("two orders");
        (await _program.OutputOfAsync(["whoami"], Cancellation)).ShouldContain("alice");

        await _program.OutputOfAsync(["logout"], Cancellation);
        (await _program.RunAsync(["token"], Cancellation)).ExitCode.ShouldBe(4);
    }

    [Fact]
    [Assertion("CL-08"), Assertion("CL-17")]
    public async Task The_browser_posts_the_answer_and_ends_at_a_page_that_says_who_signed_in_to_what()
    {
        await using var login = await BeginAsync("--browser");
        await using var observed = await OpenAsync(login);

        await observed.SignInAsync();
        await observed.DecideAsync("allow");
        var result = await login.ExitAsync(Cancellation);

        result.ExitCode.ShouldBe(0, result.Errors);
        await Expect(observed.Page.Locator("h1")).ToHaveTextAsync("You are signed in");
        await Expect(observed.Page.Locator("main p").First).ToHaveTextAsync(new Regex($"You are alice at {Regex.Escape(new Uri(server.Issuer).Authority)}, in the program "));
        new Uri(observed.Page.Url).PathAndQuery.ShouldMatch("^/callback/done/[A-Za-z0-9_-]+$");
        observed.Complaints.ShouldBeEmpty();
    }

    [Fact]
    [Assertion("AZ-23")]
    public async Task A_person_who_denies_is_told_the_truth_in_the_browser_and_in_the_terminal()
    {
        await using var login = await BeginAsync();
        await using var observed = await OpenAsync(login);

        await observed.SignInAsync();
        await observed.DecideAsync("deny");
        var result = await login.ExitAsync(Cancellation);

        result.ExitCode.ShouldBe(9, result.Errors);
        result.Output.ShouldBeEmpty();
        await Expect(observed.Page.Locator("h1")).ToHaveTextAsync("You did not sign in");
        (await _program.RunAsync(["token"], Cancellation)).ExitCode.ShouldBe(4);
    }

    [Fact]
    [Assertion("UI-09")]
    public async Task A_wrong_password_and_an_unknown_name_are_told_the_same()
    {
        await using var login = await BeginAsync();
        await using var observed = await OpenAsync(login);

        await observed.SignInAsync(password: "wrong");
        var wrongPassword = await observed.Page.GetByRole(Microsoft.Playwright.AriaRole.Alert).InnerTextAsync();
        await observed.SignInAsync(name: "nobody");
        var unknownName = await observed.Page.GetByRole(Microsoft.Playwright.AriaRole.Alert).InnerTextAsync();
        await observed.SignInAsync();
        await observed.DecideAsync("allow");

        wrongPassword.ShouldNotBeEmpty();
        unknownName.ShouldBe(wrongPassword);
        (await login.ExitAsync(Cancellation)).ExitCode.ShouldBe(0);
    }

    private async Task<ChildProcess> BeginAsync(string road = "--no-browser")
    {
        var client = await server.AddClientAsync(
            "Terminal", Cancellation, "--redirect-uri", "http://127.0.0.1/callback", "--audience", DemoApi.Audience);
        return _program.Start("login", server.Issuer, "--client-id", client, road);
    }

    private async Task<ObservedPage> OpenAsync(ChildProcess login)
    {
        var observed = await chromium.NewPageAsync();
        await observed.Page.GotoAsync((await login.ReadUntilAsync(AuthorizationRequest, Cancellation)).Value);
        return observed;
    }
}

using Microsoft.Playwright;

namespace EndToEnd;

/// <summary>An answer that an https page posts to a program on the device: plain http, and yet no browser may stop it (RFC 8252 section 7.3).</summary>
public sealed class FormPostTests(SecureServer server, Chromium chromium)
{
    private const string State = "\"><script>alert(1)</script>";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("[::1]")]
    [Assertion("AZ-20")]
    public async Task Chromium_posts_the_answer_to_a_loopback_address(string host)
    {
        await using var app = await LoopbackApp.StartAsync(host);
        await using var observed = await OpenAsync(app, host, script: true);
        await observed.SignInAsync();
        await observed.DecideAsync("allow");

        Check(await app.AnswerAsync(Cancellation));
        await Assertions.Expect(observed.Page.Locator("h1")).ToHaveTextAsync("Back in the app");
        observed.Complaints.ShouldBeEmpty();
    }

    [Fact]
    [Assertion("AZ-20")]
    public async Task Where_no_script_runs_a_button_posts_it()
    {
        await using var app = await LoopbackApp.StartAsync("127.0.0.1");
        await using var observed = await OpenAsync(app, "127.0.0.1", script: false);
        await observed.SignInAsync();
        await observed.DecideAsync("allow");

        await observed.Page.GetByRole(AriaRole.Button, new() { Name = "Continue" }).ClickAsync();
        Check(await app.AnswerAsync(Cancellation));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("[::1]")]
    [Assertion("AZ-20")]
    public async Task Firefox_posts_the_answer_to_a_loopback_address(string host)
    {
        await using var app = await LoopbackApp.StartAsync(host);
        var client = await AddClientAsync(host);
        await using var firefox = await Firefox.StartAsync(SecureServer.Host, Cancellation);
        await firefox.GoToAsync(app.Request(server.Issuer, client, State), Cancellation);
        await firefox.FillAsync("username", "alice", Cancellation);
        await firefox.FillAsync("password", RunningServer.Password, Cancellation);
        await firefox.ClickAsync("form:has([name=username]) [type=submit]", Cancellation);
        await firefox.ClickAsync("button[name=decision][value=allow]", Cancellation);

        Check(await app.AnswerAsync(Cancellation));
        (await firefox.WaitForAsync("document.querySelector('h1')?.textContent === 'Back in the app' ? location.protocol : ''", Cancellation)).ShouldBe("http:");
    }

    private void Check(LoopbackAnswer answer)
    {
        (answer.Method, answer.Query).ShouldBe(("POST", ""), "nothing of it stands in an address");
        answer.Form.Keys.ShouldBe(["code", "state", "iss"], ignoreOrder: true);
        answer.Form["state"].ShouldBe(State);
        answer.Form["iss"].ShouldBe(server.Issuer);
    }

    private Task<string> AddClientAsync(string host) => server.AddClientAsync(Cancellation, "--redirect-uri", $"http://{host}/callback", "--response-mode", "form_post");

    private async Task<ObservedPage> OpenAsync(LoopbackApp app, string host, bool script)
    {
        var client = await AddClientAsync(host);
        var observed = await chromium.NewPageAsync(server, new() { JavaScriptEnabled = script });
        await observed.Page.GotoAsync(app.Request(server.Issuer, client, State));
        return observed;
    }
}

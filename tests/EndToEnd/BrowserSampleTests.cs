using System.Net.Http.Headers;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace EndToEnd;

/// <summary>samples/browser in Chromium: a page without a library and without a server signs a person in, over CORS.</summary>
public sealed class BrowserSampleTests(RunningServer server, Chromium chromium)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_page_signs_in_calls_userinfo_and_an_api_refreshes_and_signs_out()
    {
        await using var site = await BrowserSampleSite.StartAsync();
        await using var api = await DemoApi.StartAsync(server.Issuer, pageOrigin: site.Origin);
        await ConfigureAsync(site, api);
        await using var observed = await chromium.NewPageAsync();
        var page = observed.Page;

        await page.GotoAsync(site.Address);
        await page.ClickAsync("#sign-in");
        await observed.SignInAsync();
        await observed.DecideAsync("allow");
        await Expect(page.Locator("#status")).ToHaveTextAsync("You are signed in.");
        page.Url.ShouldBe(site.Address);
        (await page.EvaluateAsync<int>("sessionStorage.length + localStorage.length")).ShouldBe(0);

        await page.ClickAsync("#call-userinfo");
        await Expect(page.Locator("#answer")).ToContainTextAsync("HTTP 200");
        await Expect(page.Locator("#answer")).ToContainTextAsync("\"sub\"");

        await page.ClickAsync("#call-api");
        await Expect(page.Locator("#answer")).ToContainTextAsync("two orders");

        await page.ClickAsync("#refresh");
        await Expect(page.Locator("#status")).ToHaveTextAsync("There is a fresh token.");

        await page.ClickAsync("#sign-out");
        await Expect(page.Locator("#status")).ToHaveTextAsync("You are signed out.");
        await Expect(page.Locator("#sign-in")).ToBeFocusedAsync();
        observed.Complaints.ShouldBeEmpty();
    }

    [Fact]
    [Rfc("RFC 7009", "2.1")]
    public async Task Signing_out_ends_the_grant_at_the_server()
    {
        await using var site = await BrowserSampleSite.StartAsync();
        await ConfigureAsync(site);
        await using var observed = await chromium.NewPageAsync();

        var response = await observed.Page.RunAndWaitForResponseAsync(() => SignInAsync(observed, site), answer => answer.Url == $"{server.Issuer}/token");
        var accessToken = (await response.JsonAsync())!.Value.GetProperty("access_token").GetString()!;
        await Expect(observed.Page.Locator("#status")).ToHaveTextAsync("You are signed in.");
        (await UserinfoStatusAsync(accessToken)).ShouldBe(200);

        await observed.Page.ClickAsync("#sign-out");
        await Expect(observed.Page.Locator("#status")).ToHaveTextAsync("You are signed out.");
        (await UserinfoStatusAsync(accessToken)).ShouldBe(401);
    }

    [Fact]
    [Assertion("AZ-23")]
    public async Task The_page_says_so_when_the_person_denies()
    {
        await using var site = await BrowserSampleSite.StartAsync();
        await ConfigureAsync(site);
        await using var observed = await chromium.NewPageAsync();

        await observed.Page.GotoAsync(site.Address);
        await observed.Page.ClickAsync("#sign-in");
        await observed.SignInAsync();
        await observed.DecideAsync("deny");

        await Expect(observed.Page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("You are not signed in: access was not allowed.");
        observed.Page.Url.ShouldBe(site.Address);
    }

    [Theory]
    [InlineData("state=somebody-elses", "This is not the answer to a request of this tab.")]
    [InlineData("state={state}&iss=http%3A%2F%2Fevil.example", "The answer comes from another server.")]
    [InlineData("state={state}", "The answer comes from another server.")]
    [InlineData("state={state}&state={state}&iss={issuer}", "The answer says something twice.")]
    [Assertion("CL-01")]
    [Assertion("CL-02")]
    [Assertion("CL-15")]
    [Rfc("RFC 9207", "2.4")]
    public async Task The_page_sends_no_code_of_an_answer_that_is_not_its_own(string query, string refusal)
    {
        await using var site = await BrowserSampleSite.StartAsync();
        await ConfigureAsync(site);
        await using var observed = await chromium.NewPageAsync();
        await observed.Page.GotoAsync(site.Address);
        await observed.Page.ClickAsync("#sign-in");
        await observed.Page.Locator("[name=username]").WaitForAsync();
        var request = observed.Requests.Single(line => line.Contains("/authorize?", StringComparison.Ordinal));

        var answer = query.Replace("{state}", StateOf(request), StringComparison.Ordinal)
            .Replace("{issuer}", Uri.EscapeDataString(server.Issuer), StringComparison.Ordinal);
        await observed.Page.GotoAsync($"{site.Address}?code=planted&{answer}");

        await Expect(observed.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync(refusal);
        observed.Requests.ShouldNotContain(line => line.StartsWith("POST", StringComparison.Ordinal));
        observed.Page.Url.ShouldBe(site.Address);
    }

    [Fact]
    [Assertion("TK-17")]
    public async Task A_page_of_an_origin_that_is_not_registered_cannot_read_a_token()
    {
        await using var site = await BrowserSampleSite.StartAsync();
        await using var stranger = await BrowserSampleSite.StartAsync();
        var client = await ConfigureAsync(site);
        stranger.Configure(server.Issuer, client);
        await using var observed = await chromium.NewPageAsync();
        // On the address of the redirect URI any port would be the client's; by its name the machine is another origin.
        await observed.Page.GotoAsync(stranger.Address.Replace("127.0.0.1", "localhost", StringComparison.Ordinal));

        var refused = await observed.Page.EvaluateAsync<string>(
            $$"""
            fetch("{{server.Issuer}}/token", { method: "POST", body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: "x", client_id: "{{client}}" }) })
              .then((answer) => `read ${answer.status}`, (error) => error.name)
            """);

        refused.ShouldBe("TypeError");
    }

    private async Task<string> ConfigureAsync(BrowserSampleSite site, DemoApi? api = null)
    {
        var client = await server.AddClientAsync(
            "Browser sample", Cancellation, "--redirect-uri", site.Address, "--audience", DemoApi.Audience);
        site.Configure(server.Issuer, client, api?.Orders);
        return client;
    }

    private static async Task SignInAsync(ObservedPage observed, BrowserSampleSite site)
    {
        await observed.Page.GotoAsync(site.Address);
        await observed.Page.ClickAsync("#sign-in");
        await observed.SignInAsync();
        await observed.DecideAsync("allow");
    }

    private async Task<int> UserinfoStatusAsync(string accessToken)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{server.Issuer}/userinfo"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        using var answer = await http.SendAsync(request, Cancellation);
        return (int)answer.StatusCode;
    }

    private static string StateOf(string request) =>
        Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(new Uri(request.Split(' ')[1]).Query)["state"].ToString();
}

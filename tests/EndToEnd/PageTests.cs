using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace EndToEnd;

/// <summary>
/// Each page that a person sees, in light and dark and on a phone: pictures for a look by eye, and what can be checked without one.
/// The pictures go to the folder that PROOFKEY_SCREENSHOTS names, else next to the tests.
/// </summary>
public sealed partial class PageTests(RunningServer server, SecureServer secure, Chromium chromium) : IDisposable
{
    private static readonly DirectoryInfo Pictures = Directory.CreateDirectory(
        Environment.GetEnvironmentVariable("PROOFKEY_SCREENSHOTS") ?? Path.Combine(AppContext.BaseDirectory, "screenshots"));

    private readonly ProofKeyProgram _program = new();

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/authorize\?\S+")]
    private static partial Regex AuthorizationRequest { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _program.Dispose();

    [Theory]
    [InlineData("light", 1280)]
    [InlineData("dark", 1280)]
    [InlineData("light", 360)]
    [InlineData("dark", 360)]
    public async Task Every_page_fits_its_width_has_a_heading_and_labels_its_fields(string scheme, int width)
    {
        await using var observed = await chromium.NewPageAsync(Look(scheme, width));
        var client = await server.AddClientAsync("Terminal with a rather long name", Cancellation, "--redirect-uri", "http://127.0.0.1/callback");
        await using var login = _program.Start("login", server.Issuer, "--client-id", client, "--no-browser");
        var request = (await login.ReadUntilAsync(AuthorizationRequest, Cancellation)).Value;

        await observed.Page.GotoAsync($"{server.Issuer}/authorize?client_id=nobody&response_type=code");
        await CheckAsync(observed.Page, $"1-error-{scheme}-{width}");

        await observed.Page.GotoAsync(request);
        await CheckAsync(observed.Page, $"2-sign-in-{scheme}-{width}");

        await observed.SignInAsync(password: "wrong");
        await CheckAsync(observed.Page, $"3-sign-in-refused-{scheme}-{width}");

        await observed.SignInAsync();
        await observed.Page.Locator("[name=decision]").First.WaitForAsync();
        await CheckAsync(observed.Page, $"4-consent-{scheme}-{width}");

        await observed.DecideAsync("allow");
        (await login.ExitAsync(Cancellation)).ExitCode.ShouldBe(0);
        await CheckAsync(observed.Page, $"5-done-{scheme}-{width}");

        await observed.Page.GotoAsync($"{server.Issuer}/logout?client_id={client}");
        await CheckAsync(observed.Page, $"10-sign-out-{scheme}-{width}");
        await observed.LeaveAsync("[name=account]");
        await CheckAsync(observed.Page, $"11-signed-out-{scheme}-{width}");
    }

    [Theory]
    [InlineData("light", 1280)]
    [InlineData("dark", 1280)]
    [InlineData("light", 360)]
    [InlineData("dark", 360)]
    [Assertion("UI-17")]
    public async Task The_choice_of_an_account_and_of_scopes_fits_its_width_and_needs_no_mouse(string scheme, int width)
    {
        var bob = $"bob-{scheme}-{width}";
        await server.AddUserAsync(bob, Cancellation);
        await server.OperateAsync(Cancellation, "scope", "set", "orders.read", "see what you ordered and where it is sent");
        await using var observed = await chromium.NewPageAsync(Look(scheme, width));
        var client = await server.AddClientAsync("Orders", Cancellation, "--redirect-uri", "http://127.0.0.1/callback", "--scope", "openid profile email offline_access orders.read orders.write");
        await using var login = _program.Start("login", server.Issuer, "--client-id", client, "--no-browser", "--json", "--scope", "openid profile email offline_access orders.read orders.write");

        await observed.Page.GotoAsync((await login.ReadUntilAsync(AuthorizationRequest, Cancellation)).Value);
        await observed.SignInAsync(bob);
        await observed.LeaveAsync(".account a");
        await observed.SignInAsync();
        await observed.LeaveAsync(".account a");
        await CheckAsync(observed.Page, $"12-choose-account-{scheme}-{width}");
        (await observed.Page.Locator("button[name=account] .name").AllInnerTextsAsync()).ShouldBe(["alice", bob]);

        // Only the keyboard from here on.
        await observed.Page.Keyboard.PressAsync("Tab");
        await observed.Page.Keyboard.PressAsync("Tab");
        await observed.Page.Keyboard.PressAsync("Enter");
        await observed.Page.Locator("[name=decision]").First.WaitForAsync();
        (await observed.Page.Locator(".account .name").InnerTextAsync()).ShouldBe(bob);
        await CheckAsync(observed.Page, $"13-consent-scopes-{scheme}-{width}");
        (await SizeAsync(observed.Page, "deny")).ShouldBe(await SizeAsync(observed.Page, "allow"), "Deny weighs as much as Allow");
        await observed.Page.Locator("[name='scope:email']").FocusAsync();
        await observed.Page.Keyboard.PressAsync("Space");
        await observed.Page.Locator("[name=decision][value=allow]").PressAsync("Enter");
        var ended = await login.ExitAsync(Cancellation);
        ended.ExitCode.ShouldBe(0, ended.Errors);
        ended.Output.ShouldContain("\"scope\":\"openid profile offline_access orders.read orders.write\"");
    }

    private static async Task<(int Width, int Height)> SizeAsync(IPage page, string decision)
    {
        var box = (await page.Locator($"[name=decision][value={decision}]").BoundingBoxAsync())!;
        return ((int)box.Width, (int)box.Height);
    }

    [Theory]
    [InlineData("light", 1280)]
    [InlineData("dark", 1280)]
    [InlineData("light", 360)]
    [InlineData("dark", 360)]
    public async Task The_pages_for_devices_fit_their_width_too(string scheme, int width)
    {
        await using var observed = await chromium.NewPageAsync(Look(scheme, width));
        var client = await server.AddClientAsync("Living room television with a rather long name", Cancellation, "--device");
        using var device = new HttpClient();
        async Task<string> UserCodeAsync()
        {
            using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["client_id"] = client, ["scope"] = "openid profile email offline_access" });
            using var response = await device.PostAsync(new Uri($"{server.Issuer}/device_authorization"), form, Cancellation);
            using var codes = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
            return codes.RootElement.GetProperty("user_code").GetString()!;
        }

        var code = await UserCodeAsync();
        await observed.Page.GotoAsync($"{server.Issuer}/device?user_code={code}");
        await CheckAsync(observed.Page, $"20-device-sign-in-{scheme}-{width}");
        await observed.SignInAsync();
        await CheckAsync(observed.Page, $"21-device-code-from-address-{scheme}-{width}");
        await observed.Page.GotoAsync($"{server.Issuer}/device");
        await CheckAsync(observed.Page, $"22-device-code-{scheme}-{width}");
        await observed.Page.FillAsync("#user_code", "too short");
        await observed.PressAsync("Continue");
        await CheckAsync(observed.Page, $"23-device-code-refused-{scheme}-{width}");
        await observed.Page.FillAsync("#user_code", code);
        await observed.PressAsync("Continue");
        await CheckAsync(observed.Page, $"24-device-question-{scheme}-{width}");
        await observed.DecideAsync("allow");
        await CheckAsync(observed.Page, $"25-device-connected-{scheme}-{width}");
        await observed.Page.GotoAsync($"{server.Issuer}/device?user_code={await UserCodeAsync()}");
        await observed.PressAsync("Continue");
        await observed.DecideAsync("deny");
        await CheckAsync(observed.Page, $"26-device-turned-away-{scheme}-{width}");
    }

    [Theory]
    [InlineData("light", 1280)]
    [InlineData("dark", 1280)]
    [InlineData("light", 360)]
    [InlineData("dark", 360)]
    public async Task Of_several_people_each_can_be_signed_out(string scheme, int width)
    {
        await using var observed = await chromium.NewPageAsync(Look(scheme, width));
        var client = await server.AddClientAsync("Terminal", Cancellation, "--redirect-uri", "http://127.0.0.1/callback");
        var longName = $"a person whose name is rather long {scheme} {width}";
        await server.AddUserAsync(longName, Cancellation);
        foreach (var name in (string[])["alice", longName])
        {
            await observed.Page.GotoAsync($"{server.Issuer}/authorize?{AuthorizationQuery(client)}&prompt=login");
            await observed.SignInAsync(name);
        }
        await observed.Page.GotoAsync($"{server.Issuer}/logout");
        await CheckAsync(observed.Page, $"12-sign-out-several-{scheme}-{width}");
        await observed.LeaveAsync("[name=stay]");
        await CheckAsync(observed.Page, $"13-still-signed-in-{scheme}-{width}");
    }

    [Theory]
    [InlineData("light", 1280)]
    [InlineData("dark", 1280)]
    [InlineData("light", 360)]
    [InlineData("dark", 360)]
    public async Task The_page_that_posts_an_answer_fits_its_width_too(string scheme, int width)
    {
        await using var app = await LoopbackApp.StartAsync("127.0.0.1");
        var client = await secure.AddClientAsync(Cancellation, "--redirect-uri", "http://127.0.0.1/callback", "--response-mode", "form_post");
        await using var observed = await chromium.NewPageAsync(secure, Look(scheme, width));
        // The page stays that a person sees where no script runs.
        await observed.Page.AddInitScriptAsync("HTMLFormElement.prototype.submit = () => {}");
        await observed.Page.GotoAsync(app.Request(secure.Issuer, client, "state"));
        await observed.SignInAsync();
        await observed.DecideAsync("allow");
        await observed.Page.GetByRole(AriaRole.Button, new() { Name = "Continue" }).WaitForAsync();
        await CheckAsync(observed.Page, $"30-form-post-{scheme}-{width}");
    }

    private static string AuthorizationQuery(string client) =>
        $"client_id={client}&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&scope=openid&code_challenge_method=S256&code_challenge={new string('A', 43)}";

    [Theory]
    [InlineData("light", 1280)]
    [InlineData("dark", 360)]
    public async Task The_browser_sample_fits_its_width_too(string scheme, int width)
    {
        await using var site = await BrowserSampleSite.StartAsync();
        var client = await server.AddClientAsync("Browser sample", Cancellation, "--redirect-uri", site.Address, "--origin", site.Origin);
        site.Configure(server.Issuer, client);
        await using var observed = await chromium.NewPageAsync(Look(scheme, width));

        await observed.Page.GotoAsync(site.Address);
        await observed.Page.Locator("#sign-in").WaitForAsync();
        await CheckAsync(observed.Page, $"6-sample-signed-out-{scheme}-{width}");

        await observed.Page.ClickAsync("#sign-in");
        await observed.SignInAsync();
        await observed.DecideAsync("allow");
        await observed.Page.ClickAsync("#call-userinfo");
        await observed.Page.GetByText("HTTP 200").WaitForAsync();
        await CheckAsync(observed.Page, $"7-sample-signed-in-{scheme}-{width}");
    }

    private static BrowserNewContextOptions Look(string scheme, int width) => new()
    {
        ColorScheme = scheme == "dark" ? ColorScheme.Dark : ColorScheme.Light,
        ViewportSize = new() { Width = width, Height = 800 },
    };

    private static async Task CheckAsync(IPage page, string name)
    {
        await page.Locator("h1").WaitForAsync();
        await page.ScreenshotAsync(new() { Path = Path.Combine(Pictures.FullName, $"{name}.png"), FullPage = true });

        (await page.TitleAsync()).ShouldNotBeEmpty(name);
        (await page.Locator("html").GetAttributeAsync("lang")).ShouldNotBeNullOrEmpty(name);
        (await page.Locator("h1").CountAsync()).ShouldBe(1, name);
        (await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth")).ShouldBeTrue(name);
        (await page.EvaluateAsync<int>("[...document.querySelectorAll('input:not([type=hidden])')].filter((field) => !field.labels?.length).length")).ShouldBe(0, name);
        await Axe.CheckAsync(page, name);
    }
}

using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What a person sees who connects a device, and what counts as their decision.</summary>
public sealed class DevicePageTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    // The tests look more often than a device may.
    private async Task<string> StateAsync(AskingDevice device) => (await _server.PollAsync(device)).Error switch
    {
        null => "tokens",
        "slow_down" => "authorization_pending",
        var error => error,
    };

    private async Task<HttpResponseMessage> PageOfAsync(string name)
    {
        var person = name.StartsWith("sign-in", StringComparison.Ordinal) ? _server.NewPerson() : await shared.SignedInAsync();
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        switch (name)
        {
            case "entry again":
                return await person.EnterCodeAsync("BBBB-BBBB");
            case "question":
                return await person.EnterCodeAsync(device.UserCode);
            case "question again":
                return await person.DecideAsync(device, "perhaps");
            case "connected":
                return await person.DecideAsync(device);
            case "turned away":
                return await person.DecideAsync(device, "deny");
            case "ended":
                var form = await person.DeviceFormAsync(device);
                _server.Time.Advance(TimeSpan.FromMinutes(5));
                return await person.SubmitAsync(form, ("decision", "allow"));
            default:
                return await person.GetAsync("/device");
        }
    }

    [Theory]
    [Assertion("UI-01")]
    [Assertion("UI-02")]
    [Assertion("UI-03")]
    [Assertion("UI-04")]
    [Assertion("DV-06")]
    [InlineData("sign-in", 200, "Sign in")]
    [InlineData("entry", 200, "Connect a device")]
    [InlineData("entry again", 400, "Connect a device")]
    [InlineData("question", 200, "Connect Living room?")]
    [InlineData("question again", 400, "Connect Living room?")]
    [InlineData("connected", 200, "Device connected")]
    [InlineData("turned away", 200, "Device turned away")]
    [InlineData("ended", 200, "This code has ended")]
    public async Task Every_page_comes_with_the_headers_that_keep_it_ours(string name, int status, string title)
    {
        var response = await PageOfAsync(name);
        ((int)response.StatusCode).ShouldBe(status);
        response.Policy("form-action").ShouldBe(["'self'"]);
        var page = await response.ShouldBeKeptOursAsync();
        page.QuerySelectorAll("script").ShouldBeEmpty();
        page.QuerySelectorAll("h1").ShouldHaveSingleItem().TextContent.ShouldBe(title);
        page.QuerySelectorAll("a").Select(link => link.GetAttribute("href")).ShouldAllBe(address => address!.StartsWith("/signin?user_code=") || address == "/device?user_code=");
    }

    [Fact]
    [Assertion("DV-06")]
    [Rfc("RFC 8628", "3.3")]
    [Rfc("RFC 8628", "3.3.1")]
    [Rfc("RFC 8628", "5.4")]
    public async Task The_complete_address_asks_for_a_sign_in_shows_the_code_and_does_nothing()
    {
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        var complete = new Uri(device.Answer.Text("verification_uri_complete")).PathAndQuery;
        using var person = _server.NewPerson();
        var signIn = await person.GetAsync(complete);
        var page = await signIn.PageAsync();
        page.Body!.TextContent.ShouldContain("to connect a device");
        page.Body.TextContent.ShouldNotContain("Living room", customMessage: "before a sign-in nobody learns whether a code is right");
        var entry = await person.SubmitAsync(await Person.FormOf(signIn), ("username", RunningServer.UserName), ("password", RunningServer.Password));
        entry.RequestMessage!.RequestUri!.PathAndQuery.ShouldBe(complete);
        var shown = await entry.PageAsync();
        shown.QuerySelector("input[name=user_code]")!.GetAttribute("value").ShouldBe(device.UserCode);
        shown.Body!.TextContent.ShouldContain("Does your device show this very code?");
        shown.Body.TextContent.ShouldNotContain("Living room");
        (await StateAsync(device)).ShouldBe("authorization_pending");

        var question = await person.SubmitAsync(await Person.FormOf(entry));
        (await question.PageAsync()).Body!.TextContent.ShouldContain("Living room");
        (await StateAsync(device)).ShouldBe("authorization_pending", "to send the code is not to agree");
        await person.GetAsync(question.RequestMessage!.RequestUri!.PathAndQuery + "&decision=allow");
        (await StateAsync(device)).ShouldBe("authorization_pending", "nor is an address");
        await person.SubmitAsync(await Person.FormOf(question), ("decision", "allow"));
        (await StateAsync(device)).ShouldBe("tokens");
    }

    [Fact]
    [Rfc("RFC 8628", "3.3.1")]
    public async Task Who_is_at_a_machine_that_is_not_theirs_can_go_on_with_a_phone()
    {
        var settings = new ServeSettings { Data = _server.Settings.Data, Urls = ["http://127.0.0.1:0"], Issuer = "https://login.example", Time = _server.Time };
        await using var app = ServerHost.Build(settings, builder => builder.Logging.ClearProviders());
        await app.StartAsync(TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        foreach (var address in (string[])["https://login.example/device", "https://login.example/device?user_code=WDJB-MJHT"])
        {
            var page = await (await http.GetAsync(new Uri(address).PathAndQuery.Replace("/device", "/signin", StringComparison.Ordinal) + (address.EndsWith("device", StringComparison.Ordinal) ? "?user_code=" : ""),
                TestContext.Current.CancellationToken)).PageAsync();
            page.QuerySelector(".phone .name")!.TextContent.ShouldBe(address);
            QrCode.TryEncode(address, out var code).ShouldBeTrue();
            page.QuerySelector("svg.qr")!.GetAttribute("viewBox").ShouldBe($"-4 -4 {code!.Size + 8} {code.Size + 8}");
            // The path again as modules: each bar is a start, a row and a length.
            var bars = System.Text.RegularExpressions.Regex.Matches(page.QuerySelector("svg.qr path")!.GetAttribute("d")!, @"M(\d+) (\d+)h(\d+)v1h-\3z");
            var dark = bars.SelectMany(bar => Enumerable.Range(int.Parse(bar.Groups[1].ValueSpan, CultureInfo.InvariantCulture), int.Parse(bar.Groups[3].ValueSpan, CultureInfo.InvariantCulture))
                .Select(x => (x, int.Parse(bar.Groups[2].ValueSpan, CultureInfo.InvariantCulture)))).ToHashSet();
            for (var y = 0; y < code.Size; y++)
                for (var x = 0; x < code.Size; x++)
                    dark.Contains((x, y)).ShouldBe(code[x, y], $"{x} {y}");
        }
        using var person = _server.NewPerson();
        (await (await person.GetAsync(shared.Request().ToString())).PageAsync()).QuerySelectorAll(".phone").ShouldBeEmpty("an authorization request belongs to the browser that made it");
        (await (await person.GetAsync("/device")).PageAsync()).QuerySelectorAll(".phone").ShouldBeEmpty("no phone comes to a loopback address");
    }

    [Theory]
    [Assertion("DV-06")]
    [InlineData("")]
    [InlineData("<b>")]
    [InlineData("Your bank asks you to enter")]
    [InlineData("WDJB-MJHTT")]
    [InlineData("AEIO-UUUU")]
    public async Task An_address_puts_nothing_but_a_code_on_the_page(string text)
    {
        using var person = await shared.SignedInAsync();
        var page = await (await person.GetAsync($"/device?user_code={Uri.EscapeDataString(text)}")).PageAsync();
        page.QuerySelector("input[name=user_code]")!.GetAttribute("value").ShouldBeNullOrEmpty();
        if (text.Length > 3) page.Body!.TextContent.ShouldNotContain(text);
        using var nobody = _server.NewPerson();
        (await nobody.GetOnceAsync($"/device?user_code={Uri.EscapeDataString(text)}")).Headers.Location!.OriginalString.ShouldBe("/signin?user_code=");
    }

    [Fact]
    [Assertion("DV-06")]
    [Assertion("DV-09")]
    [Rfc("RFC 8628", "6.1")]
    public async Task A_wrong_expired_or_used_code_shows_no_question()
    {
        var client = await _server.AddDeviceClientAsync();
        var used = await _server.AllowedDeviceAsync(client);
        await _server.PollAsync(used);
        var denied = await _server.AskAsync(client);
        var expired = await _server.AskAsync(client);
        var removed = await _server.AskAsync(await _server.AddDeviceClientAsync());
        await _server.Registry.RemoveClientAsync(removed.Client.Id);
        using (var person = await shared.SignedInAsync()) await person.DecideAsync(denied, "deny");
        foreach (var (device, wait) in new[] { (used, 0), (denied, 0), (removed, 0), (expired, 5) })
        {
            _server.Time.Advance(TimeSpan.FromMinutes(wait));
            using var person = await shared.SignedInAsync();
            var page = await (await person.EnterCodeAsync(device.UserCode)).ShouldBeFormAgainAsync();
            page.QuerySelector("#problem")!.TextContent.ShouldStartWith("No device waits for this code.");
            page.Body!.TextContent.ShouldNotContain("Living room");
            page.QuerySelectorAll("[name=decision]").ShouldBeEmpty();
            _server.Time.Advance(TimeSpan.FromMinutes(5));
        }
    }

    [Theory]
    [Assertion("DV-09")]
    [Rfc("RFC 8628", "6.1")]
    [InlineData("{0}")]
    [InlineData("  {0}  ")]
    [InlineData("lower")]
    [InlineData("no dash")]
    [InlineData("spaces")]
    [InlineData("dots and another dash")]
    public async Task A_code_may_be_typed_as_people_type(string how)
    {
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        var code = device.UserCode;
        var typed = how switch
        {
            "lower" => code.ToLowerInvariant(),
            "no dash" => code.Replace("-", "", StringComparison.Ordinal),
            "spaces" => string.Join(' ', code.Replace("-", "", StringComparison.Ordinal).ToLowerInvariant().AsEnumerable()),
            "dots and another dash" => code.Replace('-', '\u2013') + ".",
            _ => how.Replace("{0}", code, StringComparison.Ordinal),
        };
        using var person = await shared.SignedInAsync();
        (await Person.FormOf(await person.EnterCodeAsync(typed))).Action.ShouldStartWith("/device/decision?", customMessage: typed);
    }

    [Fact]
    [Assertion("DV-07")]
    [Assertion("UI-17")]
    [Rfc("RFC 8628", "5.4")]
    public async Task The_question_says_who_asks_from_where_for_what_and_warns()
    {
        var client = await _server.AddDeviceClientAsync(registration => registration with { Name = "Kitchen\u202e <b>screen" });
        var device = await _server.AskFromAsync("127.0.0.9", client, "openid email", "YourBank/1.0");
        _server.Time.Advance(TimeSpan.FromMinutes(2));

        using var person = await shared.SignedInAsync();
        var page = await (await person.EnterCodeAsync(device.UserCode)).PageAsync();
        var text = page.Body!.TextContent;
        text.ShouldContain("<b>screen");
        text.ShouldNotContain("\u202e");
        text.ShouldContain(device.UserCode);
        text.ShouldContain(RunningServer.UserName);
        text.ShouldContain("2 minutes ago");
        text.ShouldContain("127.0.0.9");
        text.ShouldContain("This browser is on another network.");
        text.ShouldContain("Did you start this yourself, just now?");
        page.QuerySelectorAll(".scopes code").Select(code => code.TextContent).ShouldBe(["openid", "email"]);
        page.Source.Text.ShouldNotContain("bank", Case.Insensitive, "nothing that the one who asks wrote");
        page.QuerySelectorAll("button[name=decision]").Select(button => button.GetAttribute("value")).ShouldBe(["deny", "allow"], "the way out comes first");
        page.QuerySelectorAll("[autofocus]").ShouldBeEmpty("a key that was pressed by chance must not agree");

        var near = await _server.AskAsync(client);
        (await (await person.EnterCodeAsync(near.UserCode)).PageAsync()).Body!.TextContent.ShouldContain("This browser is on the same network.");
    }

    [Fact]
    [Assertion("UI-17")]
    [Rfc("RFC 6749", "3.3")]
    public async Task A_person_can_leave_single_scopes_out_but_not_all_of_them()
    {
        var client = await _server.AddDeviceClientAsync();
        using var person = await shared.SignedInAsync();
        var device = await _server.AskAsync(client, "openid email offline_access");
        var form = await person.DeviceFormAsync(device);
        await person.SubmitAsync(form.Without("scope:offline_access").Without("scope:email"), ("decision", "allow"));
        var tokens = await _server.PollAsync(device);
        tokens.Text("scope").ShouldBe("openid");
        (await _server.UserinfoAsync(tokens.Text("access_token"))).Body.TryGetProperty("email", out _).ShouldBeFalse();

        var another = await _server.AskAsync(client, "email");
        await (await person.PostOnceAsync((await person.DeviceFormAsync(another)).Without("scope:email"), [("decision", "allow")])).ShouldBeFormAgainAsync();
        (await StateAsync(another)).ShouldBe("authorization_pending");
    }

    [Fact]
    [Assertion("DV-06")]
    public async Task What_was_changed_since_the_question_was_shown_is_asked_again()
    {
        var client = await _server.AddDeviceClientAsync();
        using var person = await shared.SignedInAsync();
        var device = await _server.AskAsync(client);
        var form = await person.DeviceFormAsync(device);
        await _server.Registry.UpdateClientAsync(client.Id, registration => registration with { Name = "Another name" }, newSecret: false, CancellationToken.None);
        (await (await person.PostOnceAsync(form, [("decision", "allow")])).ShouldBeFormAgainAsync()).Body!.TextContent.ShouldContain("Another name");
        (await StateAsync(device)).ShouldBe("authorization_pending");
    }

    [Fact]
    [Assertion("DV-08")]
    public async Task A_person_is_asked_each_time_whoever_vouches_for_the_client()
    {
        var client = await _server.AddDeviceClientAsync(registration => registration with { IsFirstParty = true });
        using var person = await shared.SignedInAsync();
        for (var count = 0; count < 2; count++)
        {
            var device = await _server.AskAsync(client);
            await person.DeviceFormAsync(device);
            (await StateAsync(device)).ShouldBe("authorization_pending");
            await person.DecideAsync(device);
        }
    }

    [Fact]
    [Assertion("UI-07")]
    [Assertion("DV-06")]
    [Rfc("RFC 6749", "10.12")]
    public async Task A_decision_without_its_form_token_or_from_elsewhere_changes_nothing()
    {
        var client = await _server.AddDeviceClientAsync();
        var (device, another) = (await _server.AskAsync(client), await _server.AskAsync(client));
        using var person = await shared.SignedInAsync();
        using var attacker = await shared.SignedInAsync();
        var form = await person.DeviceFormAsync(device);
        var entry = await Person.FormOf(await person.GetAsync("/device"));
        var foreign = await attacker.DeviceFormAsync(device);
        var other = await person.DeviceFormAsync(another);

        async Task ShouldChangeNothingAsync(PageForm sent, string because, params (string Name, string Value)[] headers)
        {
            foreach (var decision in (string[])["allow", "deny"]) await (await person.PostOnceAsync(sent, [("decision", decision)], headers)).ShouldBeFormAgainAsync(because);
            (await StateAsync(device)).ShouldBe("authorization_pending", because);
        }

        await ShouldChangeNothingAsync(form with { Fields = [] }, "no token");
        foreach (var token in (string[])["", "x", form.Fields["form_token"] + "A", foreign.Fields["form_token"], other.Fields["form_token"], entry.Fields["form_token"]])
            await ShouldChangeNothingAsync(form with { Fields = new() { ["form_token"] = token } }, "a wrong, foreign or other form's token");
        foreach (var (header, value) in new[] { ("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site") })
            await ShouldChangeNothingAsync(form, value, (header, value));
        (await person.PostOnceAsync(form with { Action = foreign.Action }, [("decision", "allow")])).Headers.Location!.OriginalString.ShouldBe("/device?user_code=", "the ticket of another browser");
        (await StateAsync(device)).ShouldBe("authorization_pending");
        (await person.PostOnceAsync(form, [("decision", "allow")], ("Origin", _server.Issuer))).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        (await StateAsync(device)).ShouldBe("tokens");
    }

    [Fact]
    [Assertion("UI-07")]
    public async Task A_code_sent_without_our_form_is_not_even_looked_up()
    {
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        using var person = await shared.SignedInAsync();
        var form = await Person.FormOf(await person.GetAsync("/device"));
        foreach (var wrong in (PageForm[])[form with { Fields = [] }, form with { Fields = new() { ["form_token"] = "x" } }])
            await (await person.PostOnceAsync(wrong, [("user_code", device.UserCode)])).ShouldBeFormAgainAsync();
        await (await person.PostOnceAsync(form, [("user_code", device.UserCode)], ("Origin", "https://evil.example"))).ShouldBeFormAgainAsync();
        using var nobody = _server.NewPerson();
        (await nobody.PostOnceAsync(form, [("user_code", device.UserCode)])).Headers.Location!.OriginalString.ShouldBe("/signin?user_code=");
        (await person.PostOnceAsync(form, [("user_code", device.UserCode)])).Headers.Location!.OriginalString.ShouldStartWith("/device/decision?step=");
    }

    [Fact]
    [Assertion("UI-19")]
    [Assertion("UI-20")]
    public async Task A_page_that_was_open_for_one_account_decides_nothing_for_another()
    {
        await _server.Registry.AddAccountAsync("other", RunningServer.Password, null, isAdmin: false);
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        using var person = await shared.SignedInAsync();
        var form = await person.DeviceFormAsync(device);
        await _server.SignInAsync(person, "other");
        (await person.PostOnceAsync(form, [("decision", "allow")])).Headers.Location!.OriginalString.ShouldBe("/device?user_code=");
        (await StateAsync(device)).ShouldBe("authorization_pending");
        (await person.GetOnceAsync("/device/decision")).Headers.Location!.OriginalString.ShouldBe("/device?user_code=");
        (await person.GetOnceAsync("/device/decision?step=x")).Headers.Location!.OriginalString.ShouldBe("/device?user_code=");
    }

    [Fact]
    public async Task Another_account_can_be_used_instead_and_the_code_comes_along()
    {
        await _server.Registry.AddAccountAsync("instead", RunningServer.Password, null, isAdmin: false);
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        using var person = await shared.SignedInAsync();
        var page = await (await person.EnterCodeAsync(device.UserCode)).PageAsync();
        var link = page.QuerySelectorAll("a").ShouldHaveSingleItem().GetAttribute("href")!;
        link.ShouldBe($"/signin?user_code={device.UserCode}");
        var entry = await person.SubmitAsync(await Person.FormOf(await person.GetAsync(link)), ("username", "instead"), ("password", RunningServer.Password));
        var question = await person.SubmitAsync(await Person.FormOf(entry));
        (await question.PageAsync()).Body!.TextContent.ShouldContain("instead");
        await person.SubmitAsync(await Person.FormOf(question), ("decision", "allow"));
        (await _server.UserinfoAsync((await _server.PollAsync(device)).Text("access_token"))).Text("name").ShouldBe("instead");
    }

    [Fact]
    [Assertion("UI-20")]
    public async Task Of_several_accounts_in_one_browser_the_person_chooses_one_for_the_device()
    {
        await _server.Registry.AddAccountAsync("colleague", RunningServer.Password, null, isAdmin: false);
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        var complete = $"/device?user_code={device.UserCode}";
        using var person = _server.NewPerson();
        foreach (var name in (string[])[RunningServer.UserName, "colleague"])
            await person.SubmitAsync(await Person.FormOf(await person.GetAsync($"/signin?user_code={device.UserCode}&another=1")), ("username", name), ("password", RunningServer.Password));
        var entry = await (await person.GetAsync(complete)).PageAsync();
        entry.Body!.TextContent.ShouldContain("You are signed in as colleague");
        var choice = await person.GetAsync(entry.QuerySelector("a")!.GetAttribute("href")!);
        var page = await choice.PageAsync();
        page.QuerySelector("h1")!.TextContent.ShouldBe("Choose an account");
        page.QuerySelector("p > a")!.GetAttribute("href").ShouldBe($"/signin?user_code={device.UserCode}&another=1");
        var alice = await _server.Service<AccountStore>().FindByNameAsync(RunningServer.UserName, CancellationToken.None);
        var chosen = await person.SubmitAsync(await Person.FormOf(choice), ("account", alice!.Subject));
        chosen.RequestMessage!.RequestUri!.PathAndQuery.ShouldBe(complete);
        await person.SubmitAsync(await Person.FormOf(await person.SubmitAsync(await Person.FormOf(chosen))), ("decision", "allow"));
        (await _server.UserinfoAsync((await _server.PollAsync(device)).Text("access_token"))).Text("name").ShouldBe(RunningServer.UserName);
    }

    [Fact]
    [Assertion("UI-20")]
    public async Task When_the_active_account_has_ended_the_one_that_is_left_is_offered_and_not_taken()
    {
        await _server.Registry.AddAccountAsync("visitor", RunningServer.Password, null, isAdmin: false);
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        var complete = $"/device?user_code={device.UserCode}";
        using var person = _server.NewPerson();
        foreach (var name in (string[])[RunningServer.UserName, "visitor"])
            await person.SubmitAsync(await Person.FormOf(await person.GetAsync($"/signin?user_code={device.UserCode}&another=1")), ("username", name), ("password", RunningServer.Password));
        await _server.Service<SessionStore>().EndAsync(SessionStore.KeyOf(person.CookieOf(_server, Sessions.SessionCookie)!.Split('.')[0]), _server.Time.Now);
        var chooser = await Person.FormOf(await person.GetAsync(complete));
        chooser.Accounts.ShouldHaveSingleItem();
        (await (await person.SubmitAsync(chooser, ("account", chooser.Accounts[0]))).PageAsync()).Body!.TextContent.ShouldContain($"You are signed in as {RunningServer.UserName}");
    }

    [Fact]
    [Assertion("UI-07")]
    [Assertion("UI-16")]
    public async Task The_sign_in_form_of_a_device_leads_back_to_the_device_and_signs_in_for_nothing_else()
    {
        using var person = _server.NewPerson();
        var form = await Person.FormOf(await person.GetAsync("/device?user_code=WDJB-MJHT"));
        var elsewhere = form with { Action = "/signin?user_code=BBBB-BBBB" };
        await (await person.PostOnceAsync(elsewhere, [("username", RunningServer.UserName), ("password", RunningServer.Password)])).ShouldBeFormAgainAsync();
        var signedIn = await person.PostOnceAsync(form, [("username", RunningServer.UserName), ("password", RunningServer.Password)]);
        signedIn.Headers.Location!.OriginalString.ShouldBe("/device?user_code=WDJB-MJHT");
        foreach (var evil in (string[])["/signin?user_code=WDJB-MJHT&client_id=x", "/signin?user_code=WDJB-MJHT&return_to=https://evil.example", "/signin?user_code=A&user_code=B"])
            (await person.GetOnceAsync(evil)).Headers.Location!.OriginalString.ShouldStartWith("/authorize?", customMessage: "what is no way back to a device is an authorization request, and a wrong one");
    }

    [Fact]
    public async Task Decisions_are_in_the_audit_trail_without_any_code()
    {
        var client = await _server.AddDeviceClientAsync();
        var account = await _server.Service<AccountStore>().FindByNameAsync(RunningServer.UserName, CancellationToken.None);
        using var person = await shared.SignedInAsync();
        await person.DecideAsync(await _server.AskAsync(client));
        _server.Time.Advance(TimeSpan.FromSeconds(1));
        await person.DecideAsync(await _server.AskAsync(client), "deny");
        var events = await _server.Service<Database>().ListAsync(
            $"select kind, subject, address, detail from audit_event where client_id = {client.Id} and kind like 'device-%' order by id",
            reader => (Kind: reader.GetString(0), Subject: reader.GetString(1), Address: reader.GetString(2), Detail: reader.GetString(3)), CancellationToken.None);
        events.Select(found => found.Kind).ShouldBe(["device-allowed", "device-denied"]);
        events.ShouldAllBe(found => found.Subject == account!.Subject && found.Address == "127.0.0.1" && found.Detail == "asked from 127.0.0.1 for: openid profile email");
    }

    [Fact]
    public async Task A_person_connects_a_device_at_a_server_below_a_path()
    {
        await using var server = await RunningServer.StartAsync(issuerPath: "/id");
        var device = await server.AskAsync(await server.AddDeviceClientAsync());
        using var person = server.NewPerson();
        var entry = await person.GetAsync(new Uri(device.Answer.Text("verification_uri_complete")).PathAndQuery);
        entry = await person.SubmitAsync(await Person.FormOf(entry), ("username", RunningServer.UserName), ("password", RunningServer.Password));
        var question = await person.SubmitAsync(await Person.FormOf(entry));
        await person.SubmitAsync(await Person.FormOf(question), ("decision", "allow"));
        (await server.PollAsync(device)).Status.ShouldBe(HttpStatusCode.OK);
    }
}

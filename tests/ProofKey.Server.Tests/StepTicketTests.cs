using System.Net;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>A step ticket counts for its request, its browser, its account and ten minutes; anything else counts as absent.</summary>
public sealed class StepTicketTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    /// <summary>The address, with its ticket, to which someone who just agreed is sent.</summary>
    private static async Task<string> AgreedAsync(Person person, AuthorizeUrl request) =>
        (await person.PostOnceAsync(await person.ConsentFormAsync(request), [("decision", "allow")])).Headers.Location!.OriginalString;

    private static async Task ShouldAskAgainAsync(Person person, string address, string because)
    {
        var response = await person.GetAsync(address);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, because);
        (await Person.FormOf(response)).Action.ShouldContain("/consent?", Case.Sensitive, because);
    }

    [Fact]
    [Assertion("AZ-24")]
    [Rfc("RFC 6749", "10.12")]
    public async Task A_ticket_of_one_browser_is_ignored_in_another()
    {
        using var mine = await shared.SignedInAsync();
        using var other = await shared.SignedInAsync();
        var address = await AgreedAsync(mine, shared.Request());

        await ShouldAskAgainAsync(other, address, "the same account in another browser");
        Person.AnswerOf(await mine.GetAsync(address)).ShouldContainKey("code");

        mine.SetCookie(_server, Sessions.BrowserCookie, Secret.NewText());
        await ShouldAskAgainAsync(mine, address, "the same session with another browser cookie");
    }

    [Theory]
    [InlineData(9 * 60 + 59, true)]
    [InlineData(10 * 60, false)]
    [InlineData(24 * 60 * 60, false)]
    public async Task A_ticket_is_good_for_ten_minutes(int seconds, bool isGood)
    {
        using var person = await shared.SignedInAsync();
        var address = await AgreedAsync(person, shared.Request());
        _server.Time.Advance(TimeSpan.FromSeconds(seconds));
        await _server.SignInAsync(person, RunningServer.UserName);
        if (isGood) Person.AnswerOf(await person.GetAsync(address)).ShouldContainKey("code");
        else await ShouldAskAgainAsync(person, address, "the ticket is old");
    }

    [Fact]
    [Assertion("AZ-24")]
    public async Task A_ticket_that_each_page_seals_anew_ends_an_hour_after_its_request_first_came()
    {
        using var person = await shared.SignedInAsync();
        var address = await AgreedAsync(person, shared.Request());
        for (var minutes = 9; minutes < 60; minutes += 9)
        {
            _server.Time.Advance(TimeSpan.FromMinutes(9));
            await _server.SignInAsync(person, RunningServer.UserName);
            Person.AnswerOf(await person.GetAsync(address)).ShouldContainKey("code", $"after {minutes} minutes");
            // The sign-in page takes the ticket along to its form, sealed at this moment.
            var page = await Person.FormOf(await person.GetOnceAsync(Browsing.WithParameter(address.Replace("/authorize?", "/signin?", StringComparison.Ordinal), "prompt", null)));
            address = page.Action.Replace("/signin?", "/authorize?", StringComparison.Ordinal);
        }
        _server.Time.Advance(TimeSpan.FromMinutes(7));
        await _server.SignInAsync(person, RunningServer.UserName);
        await ShouldAskAgainAsync(person, address, "its last page sealed it seven minutes ago, and the request is 61 minutes old");
    }

    [Fact]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public async Task Who_takes_longer_than_a_ticket_lives_types_the_password_once()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync(OneServer.WebUri, registration => registration with { IsFirstParty = true });
        using var person = server.NewPerson();
        var form = await person.SignInFormAsync(new AuthorizeUrl(server, client).Set("prompt", "login"));
        server.Time.Advance(TimeSpan.FromMinutes(11));
        server.Time.PassesPerRead = TimeSpan.FromMilliseconds(1);
        Person.AnswerOf(await person.SubmitAsync(form, ("username", RunningServer.UserName), ("password", RunningServer.Password))).ShouldContainKey("code");
    }

    public static TheoryData<string, string?> Changes => new()
    {
        { "state", "another" },
        { "state", null },
        { "nonce", "another" },
        { "scope", "openid profile email offline_access" },
        { "scope", "openid" },
        { "redirect_uri", "http://127.0.0.1:50000/callback" },
        { "code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" },
        { "response_mode", "query" },
        { "login_hint", "mallory" },
        { "x", "y" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    [Assertion("AZ-24")]
    [Rfc("RFC 6749", "10.6")]
    public async Task A_ticket_for_other_parameters_is_ignored(string name, string? value)
    {
        using var person = await shared.SignedInAsync();
        var address = await AgreedAsync(person, shared.Request());
        await ShouldAskAgainAsync(person, Browsing.WithParameter(address, name, value), $"{name} was changed");
        await ShouldAskAgainAsync(person, Browsing.WithParameter(address, "step", null), "without the ticket");
    }

    [Fact]
    [Assertion("AZ-24")]
    public async Task A_ticket_for_another_client_is_ignored()
    {
        var other = await _server.AddClientAsync();
        using var person = await shared.SignedInAsync();
        var address = await AgreedAsync(person, shared.Request());
        await ShouldAskAgainAsync(person, Browsing.WithParameter(address, "client_id", other.Id), "the client was changed");
    }

    [Fact]
    [Assertion("AZ-24")]
    [Assertion("UI-20")]
    public async Task A_ticket_of_another_account_in_the_same_browser_is_ignored()
    {
        await _server.Registry.AddAccountAsync("bob", RunningServer.Password, null, isAdmin: false);
        using var person = await shared.SignedInAsync();
        var address = await AgreedAsync(person, shared.Request());
        await _server.SignInAsync(person, "bob");
        (await Person.FormOf(await person.GetAsync(address))).Accounts.ShouldHaveSingleItem("Alice agreed, Bob did not, and has not said that it is for him");
    }

    [Theory]
    [InlineData("x")]
    [InlineData("")]
    [InlineData("AQECAwQ")]
    [InlineData("%00")]
    [InlineData("é")]
    [Assertion("AZ-24")]
    public async Task What_is_no_ticket_counts_as_absent(string step)
    {
        using var person = await shared.SignedInAsync();
        await ShouldAskAgainAsync(person, shared.Request().Set("step", step).ToString(), step);
    }

    [Fact]
    [Assertion("AZ-24")]
    [Assertion("TK-12")]
    public async Task A_changed_or_doubled_ticket_counts_as_absent()
    {
        using var person = await shared.SignedInAsync();
        var address = await AgreedAsync(person, shared.Request());
        var step = Browsing.Parameter(address, "step")!;
        for (var position = 0; position < step.Length; position += 7)
        {
            var changed = string.Concat(step.AsSpan(0, position), [step[position] == 'A' ? 'B' : 'A'], step.AsSpan(position + 1));
            await ShouldAskAgainAsync(person, Browsing.WithParameter(address, "step", changed), $"character {position}");
        }
        await ShouldAskAgainAsync(person, $"{address}&step={step}", "two tickets are none");
        Person.AnswerOf(await person.GetAsync(address)).ShouldContainKey("code");
    }

    [Fact]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public async Task A_ticket_asks_for_no_password_again_only_if_there_was_one_since_the_request_came()
    {
        using var person = await shared.SignedInAsync();
        _server.Time.Advance(TimeSpan.FromSeconds(1));
        var request = shared.Request().Set("prompt", "login");
        var toSignIn = (await person.GetOnceAsync(request.ToString())).Headers.Location!.OriginalString;
        var skipped = toSignIn.Replace("/signin", "/authorize", StringComparison.Ordinal);
        (await person.GetOnceAsync(skipped)).Headers.Location!.OriginalString.ShouldStartWith("/signin?", customMessage: "the ticket alone is no sign-in");
        (await Person.FormOf(await person.GetAsync(skipped.Replace("/authorize", "/consent", StringComparison.Ordinal)))).Action.ShouldStartWith("/consent");
        var agreed = await AgreedAsync(person, request.Set("prompt", null));
        (await person.GetOnceAsync(Browsing.WithParameter(agreed, "prompt", "login"))).Headers.Location!.OriginalString.ShouldStartWith("/signin?");
    }

    [Fact]
    [Assertion("UI-20")]
    public async Task Two_requests_in_two_tabs_do_not_disturb_each_other()
    {
        using var person = await shared.SignedInAsync();
        var (first, second) = (shared.Request(), shared.Request(shared.Web).Set("prompt", "consent"));
        var (firstForm, secondForm) = (await person.ConsentFormAsync(first), await person.ConsentFormAsync(second));
        var answer = Person.AnswerOf(await person.SubmitAsync(secondForm, ("decision", "allow")));
        answer["state"].ShouldBe(second.State);
        (await _server.RedeemAsync(shared.Web, second, answer["code"])).Status.ShouldBe(HttpStatusCode.OK);
        answer = Person.AnswerOf(await person.SubmitAsync(firstForm, ("decision", "allow")));
        answer["state"].ShouldBe(first.State);
        (await _server.RedeemAsync(shared.Native, first, answer["code"])).Status.ShouldBe(HttpStatusCode.OK);
        // A form of one tab, sent to the address of the other.
        await (await person.SubmitAsync(firstForm with { Action = secondForm.Action }, ("decision", "allow"))).ShouldBeFormAgainAsync();
    }
}

using System.Net;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Attacks;

/// <summary>Attacks on redirect URIs and on what travels through the browser. A name ends with a case of its kind, where one was published.</summary>
public sealed class RedirectAttackTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    [Theory]
    [InlineData("https://app.example/callback/../evil")]
    [InlineData("https://app.example/callback/..;/evil")]
    [InlineData("https://app.example/callback%2f..%2fevil")]
    [InlineData("https://app.example/callback/%252e%252e/evil")]
    [InlineData("https://app.example/callback.evil")]
    [InlineData("https://app.example/callback?next=https://evil.example")]
    [InlineData("https://appXexample/callback")]
    [InlineData("https://app.example.evil.example/callback")]
    [InlineData("https://APP.example/callback")]
    [InlineData("https://app.example/CALLBACK")]
    [InlineData("https://app.example/callback#")]
    [InlineData("http://app.example/callback")]
    [Assertion("RU-02")]
    public Task An_address_that_is_nearly_the_registered_one_is_another_CVE_2024_1132_CVE_2026_3872_CVE_2024_52289_CVE_2026_41569_CVE_2020_15234(string uri) =>
        ShouldStayHereAsync(shared.Web, uri);

    [Theory]
    [InlineData("http://127.0.0.1:80@evil.example/callback")]
    [InlineData("http://127.0.0.1:1@127.0.0.1:2@evil.example/callback")]
    [InlineData("http://127.0.0.1\\@evil.example/callback")]
    [InlineData("http://evil.example\\@127.0.0.1/callback")]
    [InlineData("http://127.0.0.1.evil.example/callback")]
    [InlineData("http://127.0.0.1:8a/callback")]
    [InlineData("http://127.0.0.1:99999/callback")]
    [InlineData("http://localhost/callback")]
    [InlineData("http://[::1]/callback")]
    [InlineData("http://2130706433/callback")]
    [InlineData("http://127.1/callback")]
    [InlineData("https://127.0.0.1/callback")]
    [Assertion("RU-03")]
    [Assertion("RU-06")]
    [Rfc("RFC 8252", "8.3")]
    public Task A_user_name_a_port_or_a_backslash_opens_no_way_out_of_the_device_CVE_2024_8883_CVE_2020_15233_CVE_2026_18211_CVE_2026_28512(string uri) =>
        ShouldStayHereAsync(shared.Native, uri);

    [Theory]
    [InlineData("javascript:alert(1)")]
    [InlineData("JaVaScRiPt:alert(1)")]
    [InlineData("java\tscript:alert(1)")]
    [InlineData("data:text/html,<script>alert(1)</script>")]
    [InlineData("vbscript:x")]
    [InlineData("file:///etc/passwd")]
    [Assertion("RU-04")]
    public async Task An_address_that_is_a_script_is_refused_at_registration_and_at_use_CVE_2024_21637_CVE_2026_67333_CVE_2026_22752(string uri)
    {
        await Should.ThrowAsync<FormatException>(() => _server.AddClientAsync(uri));
        await Should.ThrowAsync<FormatException>(() => _server.AddClientAsync(change: registration => registration with { PostLogoutRedirectUris = [uri] }));
        await ShouldStayHereAsync(shared.Web, uri);
    }

    [Theory]
    [InlineData("redirect_uri", "https://evil.example/callback")]
    [InlineData("client_id", "another")]
    [InlineData("scope", "openid offline_access")]
    [InlineData("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")]
    [Assertion("AZ-24")]
    public async Task What_was_checked_when_the_page_was_shown_cannot_be_changed_when_it_is_sent_CVE_2026_7571_CVE_2025_4143(string name, string value)
    {
        using var person = await shared.SignedInAsync();
        var form = await person.ConsentFormAsync(shared.Request(shared.Web).Set("prompt", "consent"));
        var answer = await person.SubmitAsync(form.WithParameter(name, value), ("decision", "allow"), (name, value));
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest, "the form again, or the error page of the other request");
        answer.Headers.Location.ShouldBeNull();
        // In the body alone it is only a field that nobody reads.
        var ignored = await person.PostOnceAsync(form, [("decision", "allow"), (name, value)]);
        ignored.Headers.Location?.OriginalString.ShouldNotContain("evil.example", Case.Sensitive);
    }

    [Theory]
    [InlineData("code=planted")]
    [InlineData("state=planted")]
    [InlineData("iss=https://evil.example")]
    [InlineData("error=x")]
    [InlineData("CODE=planted")]
    [InlineData("%63ode=planted")]
    [InlineData("id_token=x")]
    [Assertion("RU-10")]
    public async Task An_address_cannot_bring_a_parameter_of_the_answer_along_CVE_2026_9689_CVE_2026_18209(string query) =>
        await Should.ThrowAsync<FormatException>(() => _server.AddClientAsync($"https://app.example/callback?{query}"));

    [Theory]
    [InlineData("form_post.jwt")]
    [InlineData("query.jwt")]
    [InlineData("web_message")]
    [InlineData("fragment")]
    [InlineData("okta_post_message")]
    [Assertion("AZ-19")]
    public async Task A_way_to_answer_that_the_client_did_not_choose_is_refused_CVE_2023_6927(string mode)
    {
        using var person = await shared.SignedInAsync();
        var request = shared.Request(shared.Web).Set("response_mode", mode);
        (await person.GetOnceAsync(request.ToString())).ShouldRedirectWith("invalid_request", request, _server.Issuer);
    }

    [Theory]
    [InlineData("prompt", "none")]
    [InlineData("scope", "nonsense")]
    [InlineData("response_type", "token")]
    [InlineData("request_uri", "https://evil.example/request")]
    [Assertion("RU-01")]
    [Rfc("RFC 9700", "4.11.2")]
    public async Task An_error_is_no_way_to_send_people_to_an_address_of_ones_own_CVE_2019_9837(string name, string value)
    {
        using var person = _server.NewPerson();
        await (await person.GetOnceAsync(shared.Request(shared.Web).Set(name, value).Set("redirect_uri", "https://evil.example/").ToString())).ShouldBeErrorPageAsync();
        await (await person.GetOnceAsync(shared.Request(shared.Web).Set(name, value).Set("client_id", "unknown").ToString())).ShouldBeErrorPageAsync();
    }

    [Theory]
    [InlineData("//evil.example")]
    [InlineData("/\\evil.example")]
    [InlineData("\\evil.example")]
    [InlineData("/\tevil.example")]
    [InlineData("https://evil.example")]
    [InlineData("javascript:alert(1)")]
    [InlineData("%2f%2fevil.example")]
    [Assertion("UI-16")]
    [Rfc("RFC 9700", "4.11")]
    public async Task No_address_of_a_way_back_is_read_from_a_request_CVE_2026_75628_CVE_2026_82467_CVE_2024_39694(string target)
    {
        foreach (var name in (string[])["return_url", "returnUrl", "ReturnUrl", "next", "continue", "redirect", "kc_restart"])
        {
            using var person = _server.NewPerson();
            var form = await person.SignInFormAsync(shared.Request(shared.Web).Set(name, target));
            form.Action.ShouldStartWith("/signin?");
            var answer = await person.PostOnceAsync(form, [("username", RunningServer.UserName), ("password", RunningServer.Password), (name, target)]);
            answer.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
            answer.Headers.Location!.OriginalString.ShouldStartWith("/authorize?");
        }
    }

    [Fact]
    [Assertion("UI-07")]
    [Rfc("RFC 6749", "10.12")]
    public async Task A_page_of_somebody_else_cannot_say_yes_or_sign_in_for_a_person_CVE_2014_8144()
    {
        using var person = await shared.SignedInAsync();
        var consent = await person.ConsentFormAsync(shared.Request(shared.Web).Set("prompt", "consent"));
        using var attacker = await shared.SignedInAsync();
        var own = await attacker.ConsentFormAsync(shared.Request(shared.Web).Set("prompt", "consent"));
        // The attacker's own form token in the victim's browser, then the victim's own form sent by another site.
        await (await person.PostOnceAsync(consent with { Fields = own.Fields }, [("decision", "allow")])).ShouldBeFormAgainAsync();
        await (await person.PostOnceAsync(consent, [("decision", "allow")], ("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site"))).ShouldBeFormAgainAsync();

        using var victim = _server.NewPerson();
        var signIn = await attacker.SignInFormAsync(shared.Request(shared.Web).Set("prompt", "login"));
        await (await victim.PostOnceAsync(signIn, [("username", RunningServer.UserName), ("password", RunningServer.Password)])).ShouldBeFormAgainAsync("login CSRF");
        victim.CookieOf(_server, Sessions.SessionCookie).ShouldBeNull();
    }

    [Fact]
    [Assertion("AZ-17")]
    [Rfc("RFC 9700", "4.12")]
    public async Task A_password_is_never_posted_on_by_a_307()
    {
        using var person = _server.NewPerson();
        var form = await person.SignInFormAsync(shared.Request(shared.Web));
        (await person.PostOnceAsync(form, [("username", RunningServer.UserName), ("password", RunningServer.Password)])).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
    }

    [Fact]
    [Assertion("UI-01")]
    [Assertion("UI-03")]
    [Assertion("AZ-18")]
    [Rfc("RFC 9700", "4.16")]
    public async Task No_page_can_be_framed_and_no_address_travels_on_in_a_Referer()
    {
        using var person = _server.NewPerson();
        var signIn = await person.GetAsync(shared.Request(shared.Web).ToString());
        using var signedIn = await shared.SignedInAsync();
        var consent = await signedIn.GetAsync(shared.Request(shared.Web).Set("prompt", "consent").ToString());
        var error = await person.GetAsync("/authorize?client_id=unknown");
        foreach (var page in (HttpResponseMessage[])[signIn, consent, error])
        {
            page.Policy("frame-ancestors").ShouldBe(["'none'"]);
            page.Header("X-Frame-Options").ShouldBe("DENY");
            page.Header("Referrer-Policy").ShouldBe("no-referrer");
        }
        using var browser = await shared.SignedInAsync();
        var form = await browser.ConsentFormAsync(shared.Request(shared.Web).Set("prompt", "consent"));
        var redirect = await browser.SubmitAsync(form, ("decision", "allow"));
        redirect.Headers.Location!.Query.ShouldContain("code=");
        redirect.Header("Referrer-Policy").ShouldBe("no-referrer");
        redirect.Headers.CacheControl!.NoStore.ShouldBeTrue();
    }

    [Theory]
    [InlineData("state")]
    [InlineData("nonce")]
    [InlineData("login_hint")]
    [InlineData("ui_locales")]
    [InlineData("client_id")]
    [InlineData("redirect_uri")]
    [InlineData("scope")]
    [InlineData("acr_values")]
    [InlineData("display")]
    [InlineData("x\"><script>alert(1)</script>")]
    [Assertion("AZ-01")]
    [Assertion("OI-10")]
    public async Task Whatever_a_request_holds_no_page_runs_it_CVE_2019_8400_CVE_2018_1000088_CVE_2026_42849(string name)
    {
        const string Canary = "\"><script>alert('canary')</script><img src=x onerror=alert(1)>";
        foreach (var person in (Person[])[_server.NewPerson(), await shared.SignedInAsync()])
        {
            using var browser = person;
            var answer = await browser.GetAsync(shared.Request(shared.Web).Set("prompt", "consent").Set(name, Canary).ToString());
            if (answer.Content.Headers.ContentType?.MediaType != "text/html") continue;
            (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldNotContain("<script>alert", Case.Insensitive);
            (await answer.PageAsync()).QuerySelectorAll("img, script:not([type])").Where(element => element.OuterHtml.Contains("alert", StringComparison.Ordinal)).ShouldBeEmpty();
            answer.Policy("default-src").ShouldBe(["'none'"]);
        }
        var named = await _server.AddClientAsync("https://named.example/callback", registration => registration with { Name = "<b>\"><img src=x onerror=alert(1)>" });
        using var reader = await shared.SignedInAsync();
        (await (await reader.GetAsync(shared.Request(named).ToString())).PageAsync()).QuerySelectorAll("img, b").ShouldBeEmpty();
    }

    // Our own page, with no way to the address, and nothing that a browser would follow.
    private async Task ShouldStayHereAsync(RegisteredClient client, string uri)
    {
        using var person = await shared.SignedInAsync();
        await (await person.GetOnceAsync(shared.Request(client).Set("redirect_uri", uri).ToString())).ShouldBeErrorPageAsync(uri);
        (await _server.PushAsync(shared.Request(client).Set("redirect_uri", uri))).Error.ShouldBe("invalid_request", uri);
    }
}

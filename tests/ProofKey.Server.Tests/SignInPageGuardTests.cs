using System.Net;
using System.Text;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Only our own form, from our own page, in the browser that was shown it, signs anybody in.</summary>
public sealed class SignInPageGuardTests(OneServer shared) : IClassFixture<OneServer>
{
    private static readonly (string, string)[] Right = [("username", RunningServer.UserName), ("password", RunningServer.Password)];

    private readonly RunningServer _server = shared.Server;

    private async Task ShouldBeRefusedAsync(Person person, PageForm form, string because, params (string Name, string Value)[] headers)
    {
        var before = person.CookieOf(_server, Sessions.SessionCookie);
        await (await person.PostOnceAsync(form, Right, headers)).ShouldBeFormAgainAsync(because);
        person.CookieOf(_server, Sessions.SessionCookie).ShouldBe(before, because);
    }

    [Fact]
    [Assertion("UI-07")]
    [Assertion("AZ-24")]
    [Rfc("RFC 6749", "10.12")]
    public async Task A_sign_in_form_without_its_token_signs_nobody_in()
    {
        using var person = _server.NewPerson();
        using var attacker = _server.NewPerson();
        var request = shared.Request();
        var form = await person.SignInFormAsync(request);
        var foreign = await attacker.SignInFormAsync(request);
        var otherRequest = await person.SignInFormAsync(shared.Request());

        await ShouldBeRefusedAsync(person, form with { Fields = [] }, "no token");
        foreach (var token in (string[])["", "x", form.Fields["form_token"] + "A", form.Fields["form_token"][..^1], foreign.Fields["form_token"], otherRequest.Fields["form_token"]])
            await ShouldBeRefusedAsync(person, form with { Fields = new() { ["form_token"] = token } }, "a wrong, foreign or other request's token");
        await ShouldBeRefusedAsync(person, foreign, "the attacker's own form, sent by the victim's browser, would sign the victim in as the attacker");

        (await person.PostOnceAsync(form, Right)).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
    }

    [Fact]
    [Assertion("UI-07")]
    public async Task Without_the_browser_cookie_a_right_token_is_worth_nothing()
    {
        using var person = _server.NewPerson();
        using var stranger = _server.NewPerson();
        await ShouldBeRefusedAsync(stranger, await person.SignInFormAsync(shared.Request()), "another browser, without a cookie");
    }

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Origin", "http://127.0.0.1")]
    [InlineData("Origin", "")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    [InlineData("Sec-Fetch-Site", "none")]
    [InlineData("Sec-Fetch-Site", "")]
    [Assertion("UI-07")]
    public async Task A_form_from_elsewhere_is_refused_although_its_token_is_right(string header, string value)
    {
        using var person = _server.NewPerson();
        var form = await person.SignInFormAsync(shared.Request());
        await ShouldBeRefusedAsync(person, form, value, (header, value));
        if (value == "null") await ShouldBeRefusedAsync(person, form, value, ("Origin", value), ("Sec-Fetch-Site", "cross-site"));
    }

    [Fact]
    [Assertion("UI-07")]
    public async Task A_form_from_our_own_page_is_accepted_as_browsers_send_it()
    {
        foreach (var headers in ((string, string)[][])[[("Origin", _server.Issuer)], [("Origin", "null"), ("Sec-Fetch-Site", "same-origin")], [("Sec-Fetch-Site", "same-origin")], [("Origin", _server.Issuer), ("Sec-Fetch-Site", "same-origin")]])
        {
            using var person = _server.NewPerson();
            (await person.PostOnceAsync(await person.SignInFormAsync(shared.Request()), Right, headers)).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        }
    }

    [Theory]
    [InlineData(11, true)]
    [InlineData(13, false)]
    [Assertion("UI-07")]
    public async Task A_page_may_be_open_for_half_a_day(int hours, bool isGood)
    {
        using var person = _server.NewPerson();
        var form = await person.SignInFormAsync(shared.Request());
        _server.Time.Advance(TimeSpan.FromHours(hours));
        if (isGood) (await person.PostOnceAsync(form, Right)).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        else await ShouldBeRefusedAsync(person, form, "the page was open for too long");
    }

    [Fact]
    [Assertion("AZ-24")]
    [Assertion("UI-07")]
    public async Task A_form_sent_to_the_address_of_another_request_is_shown_again_for_that_one()
    {
        using var person = _server.NewPerson();
        var other = await _server.AddClientAsync(change: registration => registration with { Name = "Other client" });
        var form = await person.SignInFormAsync(shared.Request());
        foreach (var (name, value) in new (string, string?)[] { ("state", "x"), ("scope", "openid"), ("code_challenge", CodeVerifier.New().Challenge.ToString()), ("redirect_uri", "http://127.0.0.1:1/callback"), ("nonce", null), ("client_id", other.Id) })
            await ShouldBeRefusedAsync(person, form.WithParameter(name, value), name);
        (await (await person.PostOnceAsync(form.WithParameter("client_id", other.Id), Right)).PageAsync()).Body!.TextContent.ShouldContain("Other client");
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/json")]
    [InlineData("multipart/form-data; boundary=x")]
    [Assertion("UI-07")]
    public async Task A_body_of_another_type_is_no_form(string type)
    {
        using var person = _server.NewPerson();
        var form = await person.SignInFormAsync(shared.Request());
        using var body = new StringContent(Parameters.Of(form.With(Right)).ToQuery(), Encoding.ASCII);
        body.Headers.Remove("Content-Type");
        body.Headers.TryAddWithoutValidation("Content-Type", type);
        await (await person.Http.PostAsync(form.Action, body, TestContext.Current.CancellationToken)).ShouldBeFormAgainAsync();
    }

    [Fact]
    [Assertion("UI-07")]
    public async Task A_password_in_the_address_signs_nobody_in()
    {
        using var person = _server.NewPerson();
        var form = await person.SignInFormAsync(shared.Request());
        var address = $"{form.Action}&{Parameters.Of(form.With(Right)).ToQuery()}";
        (await person.GetOnceAsync(address)).StatusCode.ShouldBe(HttpStatusCode.OK);
        person.CookieOf(_server, Sessions.SessionCookie).ShouldBeNull();
    }

    [Fact]
    [Assertion("UI-07")]
    public async Task A_doubled_field_is_no_answer()
    {
        using var person = _server.NewPerson();
        var form = await person.SignInFormAsync(shared.Request());
        foreach (var name in (string[])["username", "password", "form_token"])
        {
            var fields = form.With(Right).Append(new(name, form.With(Right).Single(field => field.Key == name).Value));
            await (await person.SendAsync(HttpMethod.Post, form.Action, fields)).ShouldBeFormAgainAsync(name);
        }
    }
}

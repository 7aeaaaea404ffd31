using System.Net;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Attacks;

/// <summary>
/// Browser swapping (FAPI 2.0 Security Profile section 6.5, CWE-384): one browser begins, another ends. The server binds each step to the browser that
/// took it; that an answer goes back to who began is the client's part, by its state (CallbackTests of the client) and its verifier.
/// </summary>
public sealed class BrowserSwapTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    [Fact]
    [Assertion("UI-06")]
    [Rfc("RFC 6749", "10.12")]
    public async Task A_sign_in_page_that_the_attacker_opened_signs_nobody_in_elsewhere_CWE_384()
    {
        using var attacker = _server.NewPerson();
        using var victim = _server.NewPerson();
        var begun = await attacker.SignInFormAsync(shared.Request(shared.Web));
        await victim.SignInFormAsync(shared.Request(shared.Web));
        (string, string)[] password = [("username", RunningServer.UserName), ("password", RunningServer.Password)];

        await (await victim.PostOnceAsync(begun, password)).ShouldBeFormAgainAsync("the attacker's form in the victim's browser");
        victim.CookieOf(_server, Sessions.SessionCookie).ShouldBeNull();
        // The victim's own page at the attacker's address signs the victim in, and gives the attacker's browser nothing.
        var own = await Person.FormOf(await victim.GetAsync(begun.Action));
        (await victim.PostOnceAsync(own, password)).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        attacker.CookieOf(_server, Sessions.SessionCookie).ShouldBeNull();
        (await Person.FormOf(await attacker.GetAsync(begun.Action))).Fields.ShouldContainKey("username");
    }

    [Fact]
    [Assertion("AZ-24")]
    [Rfc("RFC 6749", "10.12")]
    public async Task What_the_victim_agreed_to_leads_to_no_code_in_the_attackers_browser_CWE_384()
    {
        var request = shared.Request(shared.Web).Set("prompt", "consent");
        using var attacker = await shared.SignedInAsync();
        using var victim = await shared.SignedInAsync();
        var begun = await attacker.ConsentFormAsync(request);
        var asked = await victim.ConsentFormAsync(request);

        await (await attacker.PostOnceAsync(asked, [("decision", "allow")])).ShouldBeFormAgainAsync("the victim's form in the attacker's browser");
        await (await victim.PostOnceAsync(begun, [("decision", "allow")])).ShouldBeFormAgainAsync("the attacker's form in the victim's browser");
        // Even the address that the victim is sent to next, ticket and all, is an open question in any other browser.
        var agreed = (await victim.PostOnceAsync(asked, [("decision", "allow")])).Headers.Location!.OriginalString;
        (await Person.FormOf(await attacker.GetAsync(agreed))).Action.ShouldContain("/consent?");
        Person.AnswerOf(await victim.GetAsync(agreed)).ShouldContainKey("code");
    }

    [Fact]
    [Assertion("UI-06")]
    public async Task Somebody_signed_in_by_the_attackers_ticket_is_asked_anew_CWE_384()
    {
        // The attacker signs in for a request of their own, and hands on the address behind it: login CSRF by ticket.
        var request = shared.Request(shared.Web).Set("prompt", "login");
        using var attacker = _server.NewPerson();
        var signedIn = await attacker.PostOnceAsync(await attacker.SignInFormAsync(request), [("username", RunningServer.UserName), ("password", RunningServer.Password)]);
        var address = signedIn.Headers.Location!.OriginalString;
        address.ShouldContain("step=");
        using var victim = await shared.SignedInAsync();
        (await Person.FormOf(await victim.GetAsync(address))).Fields.ShouldContainKey("username");
    }

    [Fact]
    [Assertion("AZ-14")]
    [Assertion("PK-07")]
    public async Task A_code_that_the_victim_brought_home_is_nothing_without_the_verifier_and_soon_nothing_at_all()
    {
        var request = shared.Request(shared.Web);
        using var victim = await shared.SignedInAsync();
        var answer = await victim.AuthorizeAsync(request);
        answer["state"].ShouldBe(request.State, "the client can tell that another browser began");
        var another = shared.Request(shared.Web);
        (await _server.RedeemAsync(shared.Web, another, answer["code"])).Error.ShouldBe("invalid_grant", "who began another flow has another verifier");
        _server.Time.Advance(_server.Service<ServerOptions>().CodeLifetime);
        (await _server.RedeemAsync(shared.Web, request, answer["code"])).Error.ShouldBe("invalid_grant", "and who began this one is too late");
    }

    [Fact]
    [Assertion("AZ-20")]
    public async Task A_posted_answer_stands_in_no_address_that_could_be_copied()
    {
        using var victim = await shared.SignedInAsync();
        var answer = await victim.GetAsync(shared.Request(shared.FirstParty).Set("response_mode", "form_post").ToString());
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Headers.Location.ShouldBeNull();
        answer.RequestMessage!.RequestUri!.Query.ShouldNotContain("code=", Case.Sensitive);
        (answer.Header("Cache-Control"), answer.Header("Referrer-Policy")).ShouldBe(("no-store", "no-referrer"));
        (await Person.FormOf(answer)).Fields.Keys.ShouldBe(["code", "state", "iss"], ignoreOrder: true);
    }
}

using FsCheck.Fluent;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;
using ProofKey.Tests.Properties;

namespace ProofKey.Server.Tests.Properties;

/// <summary>A step ticket opens for its own request and browser, as it was sealed.</summary>
public sealed class StepTicketPropertyTests(OneServer shared) : IClassFixture<OneServer>
{
    private const string Browser = "browser";

    private static readonly RegisteredClient Client = new() { Id = "client", Name = "Client", RedirectUris = [RedirectUri.Parse("https://app.example/cb")], Scope = Scope.Parse("openid") };

    private readonly KeyRing _keys = shared.Server.Service<KeyRing>();
    private readonly DateTimeOffset _now = shared.Server.Time.Now;

    private static AuthorizeRequest Request(string state, string other = "") => AuthorizeRequest.Parse(
        Parameters.Of(
            new("client_id", "client"), new("redirect_uri", "https://app.example/cb"), new("response_type", "code"), new("scope", "openid"), new("state", state), new("other", other),
            new("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), new("code_challenge_method", "S256")),
        Client, []).ShouldBeOfType<AuthorizeOutcome.Valid>().Request;

    private string Ticket(AuthorizeRequest request) => new StepTicket(_now, "subject", Scope.Parse("openid")).Seal(_keys, request, Browser, _now);

    private bool Opens(string? text, AuthorizeRequest request, string? browser = Browser) => StepTicket.Open(text, _keys, request, browser, _now) is not null;

    [Fact]
    [Assertion("AZ-24")]
    [Assertion("UI-19")]
    public void Any_other_text_is_no_ticket()
    {
        var request = Request("state");
        var ticket = Ticket(request);
        Opens(ticket, request).ShouldBeTrue();
        Property.Holds(Gen.OneOf(Property.Mutated(ticket, "=", "A", ".", "%", "é"), Property.AnyText(60), Property.Bytes(80).Select(bytes => Base64UrlText.Encode(bytes))), text =>
            Opens(text, request).ShouldBe(text == ticket, text), 2000);
    }

    [Fact]
    [Assertion("AZ-24")]
    public void Any_other_request_or_browser_has_no_ticket() =>
        Property.Holds(from state in Property.AnyText(12) from other in Property.AnyText(12) from moved in Property.AnyText(12) from browser in Property.AnyText(12) select (state, other, moved, browser), given =>
        {
            var ticket = Ticket(Request(given.state, given.other));
            // What is sent is UTF-8: half a surrogate pair and its replacement are one text there.
            bool Same(string one, string two) => Uri.EscapeDataString(one) == Uri.EscapeDataString(two);
            Opens(ticket, Request(given.state, given.other)).ShouldBeTrue();
            Opens(ticket, Request(given.moved, given.other)).ShouldBe(Same(given.moved, given.state));
            Opens(ticket, Request(given.other, given.state)).ShouldBe(Same(given.other, given.state));
            Opens(ticket, Request(given.state, given.other), given.browser).ShouldBe(given.browser == Browser);
            Opens(ticket, Request(given.state, given.other), null).ShouldBeFalse();
        });
}

using System.Net;
using ProofKey.Server.Protocol;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Without a known client and one of its addresses, the person is told, and nobody is redirected.</summary>
public sealed class AuthorizeErrorPageTests(OneServer shared) : IClassFixture<OneServer>
{
    private const string Collector = "https://collector.example/cb";

    private readonly RunningServer _server = shared.Server;

    [Fact]
    [Assertion("AZ-01")]
    [Rfc("RFC 6749", "4.1.2.1")]
    [Rfc("RFC 9700", "4.11.2")]
    public async Task An_unknown_client_gets_our_page_and_no_way_to_the_address_it_named()
    {
        using var person = _server.NewPerson();
        var request = shared.Request().Set("client_id", "nobody\"><script>").Set("redirect_uri", Collector).Set("state", "<b>state</b>");

        var response = await person.GetOnceAsync(request.ToString());

        await response.ShouldBeErrorPageAsync();
        var html = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        html.ShouldNotContain("collector");
        html.ShouldNotContain("nobody");
        html.ShouldNotContain("state</b>");
        response.Headers.Contains("Set-Cookie").ShouldBeFalse();
    }

    [Fact]
    [Assertion("AZ-13")]
    [Rfc("RFC 9700", "4.11.2")]
    public async Task Only_what_an_administrator_registered_is_an_address_to_send_an_error_to()
    {
        // Clients come from the registry alone, so each one is trusted. Whoever lets clients register themselves has to show a page here instead.
        using var person = _server.NewPerson();
        foreach (var stranger in (string[])["https://collector.example/client.json", "https://collector.example", "urn:collector"])
            foreach (var (name, value) in ((string, string)[])[("scope", "admin"), ("prompt", "none"), ("response_type", "token")])
                await (await person.GetOnceAsync(shared.Request().Set("client_id", stranger).Set("redirect_uri", Collector).Set(name, value).ToString())).ShouldBeErrorPageAsync($"{stranger} {name}");
        foreach (var path in (string[])["/register", "/connect/register", "/clients"])
            (await _server.PostFormAsync(path, [new("redirect_uris", Collector)])).Status.ShouldBe(HttpStatusCode.NotFound, path);
        using var metadata = new HttpRequestMessage(HttpMethod.Get, _server.Issuer + "/.well-known/oauth-authorization-server");
        var document = (await TokenCalls.SendAsync(metadata)).Body;
        foreach (var member in (string[])["registration_endpoint", "client_id_metadata_document_supported"]) document.TryGetProperty(member, out _).ShouldBeFalse(member);

        var request = shared.Request().Set("prompt", "none");
        (await person.GetOnceAsync(request.ToString())).ShouldRedirectWith("login_required", request, _server.Issuer);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("x", 4096)]
    [InlineData("a\u0001b")]
    [InlineData("é")]
    [InlineData("' or 1=1 --")]
    [InlineData("../../etc")]
    [Assertion("AZ-02")]
    [Rfc("RFC 6749", "4.1.2.1")]
    public async Task A_client_id_that_is_missing_or_odd_gets_our_page(string? clientId, int times = 1)
    {
        using var person = _server.NewPerson();
        clientId = clientId is null ? null : string.Concat(Enumerable.Repeat(clientId, times));
        await (await person.GetOnceAsync(shared.Request().Set("client_id", clientId).ToString())).ShouldBeErrorPageAsync();
    }

    [Fact]
    [Assertion("AZ-02")]
    public async Task A_client_id_with_a_NUL_gets_our_page()
    {
        using var person = _server.NewPerson();
        await (await person.GetOnceAsync(shared.Request().ToString().Replace(shared.Native.Id, shared.Native.Id + "%00", StringComparison.Ordinal))).ShouldBeErrorPageAsync();
    }

    [Theory]
    [InlineData("client_id")]
    [InlineData("redirect_uri")]
    [Assertion("AZ-03")]
    [Rfc("RFC 6749", "3.1")]
    public async Task A_client_or_address_that_comes_twice_gets_our_page_with_equal_values_too(string name)
    {
        using var person = _server.NewPerson();
        var value = shared.Request().Parameters.Single(pair => pair.Key == name).Value;
        foreach (var second in (string[])[value, Collector, ""])
            await (await person.GetOnceAsync(shared.Request().Repeat(name, second).ToString())).ShouldBeErrorPageAsync(second);
    }

    [Fact]
    [Assertion("AZ-02")]
    public async Task A_client_that_was_removed_is_unknown()
    {
        var client = await _server.AddClientAsync();
        (await _server.Registry.RemoveClientAsync(client.Id)).ShouldBeTrue();
        using var person = _server.NewPerson();
        await (await person.GetOnceAsync(new AuthorizeUrl(_server, client).ToString())).ShouldBeErrorPageAsync();
    }

    [Fact]
    [Assertion("AZ-27")]
    public async Task A_client_that_is_removed_while_a_page_is_open_gets_no_code()
    {
        var client = await _server.AddClientAsync();
        using var atSignIn = _server.NewPerson();
        using var atConsent = await shared.SignedInAsync();
        var signIn = await atSignIn.SignInFormAsync(new AuthorizeUrl(_server, client));
        var consent = await atConsent.ConsentFormAsync(new AuthorizeUrl(_server, client));

        await _server.Registry.RemoveClientAsync(client.Id);

        await (await atSignIn.SubmitAsync(signIn, ("username", RunningServer.UserName), ("password", RunningServer.Password))).ShouldBeErrorPageAsync();
        await (await atConsent.SubmitAsync(consent, ("decision", "allow"))).ShouldBeErrorPageAsync();
        await (await atConsent.SubmitAsync(consent, ("decision", "deny"))).ShouldBeErrorPageAsync();
    }

    [Fact]
    [Assertion("RU-08")]
    [Rfc("RFC 6749", "3.1.2.3")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public async Task The_address_may_be_left_out_only_by_a_client_with_one_that_asks_for_no_ID_token()
    {
        using var person = _server.NewPerson();
        var two = await _server.AddClientAsync(change: registration => registration with { RedirectUris = [OneServer.NativeUri, OneServer.WebUri] });

        await (await person.GetOnceAsync(shared.Request().Set("redirect_uri", null).ToString())).ShouldBeErrorPageAsync("OpenID Connect requires it");
        await (await person.GetOnceAsync(shared.Request(two).Set("redirect_uri", null).Set("scope", "profile").ToString())).ShouldBeErrorPageAsync("two are registered");
        await (await person.GetOnceAsync(shared.Request(two).Set("redirect_uri", "").Set("scope", "profile").ToString())).ShouldBeErrorPageAsync("an empty value counts as absent");

        var request = shared.Request(shared.Web).Set("redirect_uri", null).Set("scope", "profile");
        (await person.GetOnceAsync(request.ToString())).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        using var signedIn = await shared.SignedInAsync();
        (await signedIn.AuthorizeAsync(request)).ShouldContainKey("code");
    }

    [Fact]
    [Assertion("AZ-03")]
    public async Task Sign_in_and_consent_pages_show_the_same_error_page_for_the_same_request()
    {
        using var person = await shared.SignedInAsync();
        var query = shared.Request().Set("redirect_uri", Collector).ToString().Split('?')[1];
        foreach (var path in (string[])["/signin", "/consent"])
        {
            await (await person.GetAsync($"{path}?{query}")).ShouldBeErrorPageAsync(path);
            await (await person.SubmitAsync(new PageForm($"{path}?{query}", []), ("decision", "allow"), ("username", "x"), ("password", "y"))).ShouldBeErrorPageAsync(path);
            await (await person.GetAsync(path)).ShouldBeErrorPageAsync(path);
        }
    }

    [Fact]
    public void What_is_shown_and_what_is_redirected_are_different_types() =>
        typeof(AuthorizeOutcome.Shown).GetProperties().Select(property => property.PropertyType).ShouldNotContain(typeof(AuthorizeRequest), "a shown error has no address to go to");
}

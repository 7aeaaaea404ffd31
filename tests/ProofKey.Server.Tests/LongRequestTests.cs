using System.Net;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What has no room in an address waits in a row, and what has no room in a code too.</summary>
public sealed class LongRequestTests(OneServer shared) : IClassFixture<OneServer>
{
    private const string LongScope = "https://api.example/orders.read https://api.example/orders.write https://api.example/customers.read https://api.example/invoices.read";

    private readonly RunningServer _server = shared.Server;

    private Task<RegisteredClient> AddClientAsync(bool isFirstParty = false) =>
        _server.AddClientAsync(OneServer.WebUri, registration => registration with { Scope = $"openid profile email {LongScope}", IsFirstParty = isFirstParty });

    private AuthorizeUrl LongRequest(RegisteredClient client) => shared.Request(client).Set("scope", "openid " + LongScope).Set("nonce", new string('n', AuthorizeRequest.MaxNonceLength));

    private async Task<long> RowsAsync() => long.Parse((await _server.Service<Database>().FindAsync($"select cast(count(*) as text) from pushed_request", reader => reader.GetString(0), CancellationToken.None))!, null);

    [Fact]
    [Assertion("AZ-08")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public async Task A_POST_that_is_too_long_for_an_address_goes_on_by_reference()
    {
        using var person = await shared.SignedInAsync();
        var request = shared.Request().Set("x", new string('x', 5000));
        var moved = await person.SendAsync(HttpMethod.Post, request.Path, request.Parameters);
        moved.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        var address = moved.Headers.Location!.OriginalString;
        address.ShouldStartWith($"/authorize?client_id={shared.Native.Id}&request_uri=urn%3Aietf");
        address.Length.ShouldBeLessThan(200);
        var consent = await Person.FormOf(await person.GetAsync(address));
        var answer = Person.AnswerOf(await person.SubmitAsync(consent, ("decision", "allow")));
        answer["state"].ShouldBe(request.State);
        (await _server.RedeemAsync(shared.Native, request, answer["code"])).Status.ShouldBe(HttpStatusCode.OK);
        await (await person.GetAsync(address)).ShouldBeErrorPageAsync("it was good for one code");
    }

    [Fact]
    [Assertion("AZ-08")]
    public async Task A_POST_that_is_longer_than_8_KiB_is_refused_and_leaves_no_row()
    {
        using var person = _server.NewPerson();
        var before = await RowsAsync();
        var request = shared.Request().Set("x", new string('x', 8200));
        (await person.SendAsync(HttpMethod.Post, request.Path, request.Parameters)).ShouldRedirectWith("invalid_request", request, _server.Issuer);
        (await RowsAsync()).ShouldBe(before);
    }

    [Fact]
    [Assertion("AZ-08")]
    public async Task A_POST_that_is_long_and_wrong_is_answered_at_once_and_leaves_no_row()
    {
        using var person = _server.NewPerson();
        var before = await RowsAsync();
        var wrong = shared.Request().Set("x", new string('x', 5000)).Set("scope", "admin");
        (await person.SendAsync(HttpMethod.Post, wrong.Path, wrong.Parameters)).ShouldRedirectWith("invalid_scope", wrong, _server.Issuer);
        await (await person.SendAsync(HttpMethod.Post, wrong.Path, wrong.Set("client_id", "nobody").Parameters)).ShouldBeErrorPageAsync();
        (await RowsAsync()).ShouldBe(before);
    }

    [Fact]
    [Assertion("PR-08")]
    public async Task A_long_POST_through_a_browser_is_no_pushed_request()
    {
        var client = await _server.AddClientAsync(OneServer.WebUri, registration => registration with { RequiresPushedRequests = true });
        using var person = _server.NewPerson();
        var request = shared.Request(client).Set("x", new string('x', 5000));
        (await person.SendAsync(HttpMethod.Post, request.Path, request.Parameters)).ShouldRedirectWith("invalid_request", request, _server.Issuer);
    }

    [Fact]
    [Assertion("PR-07")]
    public async Task A_POST_with_a_reference_goes_on_with_the_reference_alone()
    {
        using var person = await shared.SignedInAsync();
        var inAddress = (await _server.PushedAsync(shared.Native, shared.Request())).Set("x", new string('x', 5000));
        var moved = await person.SendAsync(HttpMethod.Post, inAddress.Path, inAddress.Parameters);
        moved.Headers.Location!.OriginalString.ShouldBe(inAddress.Set("x", null).ToString());
    }

    [Fact]
    [Rfc("RFC 6749", "3.3")]
    public async Task Scope_and_nonce_that_have_no_room_in_a_code_wait_in_a_row()
    {
        var client = await AddClientAsync();
        using var person = await shared.SignedInAsync();
        var request = LongRequest(client);
        var code = (await person.AuthorizeAsync(request))["code"];
        code.Length.ShouldBeLessThanOrEqualTo(AuthorizationCode.MaxLength);

        var tokens = await _server.RedeemAsync(client, request, code);
        tokens.Text("scope").ShouldBe("openid " + LongScope);
        Claims(tokens.Text("id_token")).ShouldContain(new string('n', AuthorizeRequest.MaxNonceLength));
        (await _server.RefreshAsync(client, tokens.Text("refresh_token"))).Text("scope").ShouldBe("openid " + LongScope);

        (await _server.RedeemAsync(client, request, code)).Error.ShouldBe("invalid_grant", "the code is good once all the same");
        (await _server.RefreshAsync(client, tokens.Text("refresh_token"))).Error.ShouldBe("invalid_grant", "and a replay revokes");
    }

    [Fact]
    public async Task A_pushed_request_that_is_long_keeps_it_in_its_own_row()
    {
        var client = await AddClientAsync();
        using var person = await shared.SignedInAsync();
        var request = LongRequest(client);
        var inAddress = await _server.PushedAsync(client, request);
        var before = await RowsAsync();
        var code = (await person.AuthorizeAsync(inAddress))["code"];
        (await RowsAsync()).ShouldBe(before);
        await (await person.GetAsync(inAddress.ToString())).ShouldBeErrorPageAsync("it is used");
        (await _server.RedeemAsync(client, request, code)).Text("scope").ShouldBe("openid " + LongScope);
    }

    [Fact]
    [Assertion("TK-08")]
    public async Task A_row_lives_as_long_as_the_code_that_needs_it()
    {
        await using var server = await RunningServer.StartAsync(configure: options => options.CodeLifetime = TimeSpan.FromMinutes(10));
        var client = await server.AddClientAsync(OneServer.WebUri, registration => registration with { Scope = $"openid {LongScope}" });
        using var person = await server.SignedInAsync();
        var request = new AuthorizeUrl(server, client).Set("scope", "openid " + LongScope);
        var pushed = await server.PushedAsync(client, request);
        var consent = await person.ConsentFormAsync(pushed);
        // The page is sent at the last moment of the request, and the code is redeemed at its own last moment.
        server.Time.Advance(TimeSpan.FromSeconds(60) + PushedRequest.Kept - TimeSpan.FromSeconds(1));
        var code = Person.AnswerOf(await person.SubmitAsync(consent, ("decision", "allow")))["code"];
        server.Time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1));
        (await server.CleanAsync()).ShouldBe(0);
        var wrong = TokenCalls.CodeExchange(client, request, code);
        wrong["code_verifier"] = CodeVerifier.New().Reveal();
        (await server.PostFormAsync("/token", wrong)).Error.ShouldBe("invalid_grant");
        (await server.RedeemAsync(client, request, code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_code_whose_row_is_gone_is_not_good()
    {
        var client = await AddClientAsync(isFirstParty: true);
        using var person = await shared.SignedInAsync();
        var request = LongRequest(client);
        var code = Person.AnswerOf(await person.GetOnceAsync(request.ToString()))["code"];
        var row = AuthorizationCode.Open(code, _server.Service<Keys.KeyRing>())!.KeptIn!;
        await _server.Service<Database>().WriteAsync($"delete from pushed_request where id = {row}");
        (await _server.RedeemAsync(client, request, code)).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    public async Task A_usual_request_leaves_no_row()
    {
        var before = await RowsAsync();
        await shared.CodeAsync(shared.Request().Set("scope", "openid profile email offline_access"));
        (await RowsAsync()).ShouldBe(before);
    }

    private static string Claims(string token)
    {
        Base64UrlText.TryDecode(token.Split('.')[1], out var bytes).ShouldBeTrue();
        return System.Text.Encoding.UTF8.GetString(bytes!);
    }
}

using System.Net;
using ProofKey.Jose;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

public sealed class SignInTests
{
    [Fact]
    [Assertion("OI-01")]
    [Rfc("OpenID Connect Core", "2")]
    public async Task A_person_signs_in_and_the_client_gets_tokens_for_them()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync();
        using var person = server.NewPerson();
        var request = new AuthorizeUrl(server, client, "http://127.0.0.1:49152/callback");

        var answer = await person.AuthorizeAsync(request);
        answer["state"].ShouldBe(request.State);
        answer["iss"].ShouldBe(server.Issuer);
        answer["code"].Length.ShouldBeLessThanOrEqualTo(512);

        var tokens = await server.RedeemAsync(client, request, answer["code"]);
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        tokens.Text("token_type").ShouldBe("Bearer");

        using var http = new HttpClient();
        JwkSet.TryParse(await http.GetByteArrayAsync(new Uri(server.Issuer + "/jwks"), TestContext.Current.CancellationToken), out var keys, out _).ShouldBeTrue();
        var expected = new JwtExpectations { Issuer = server.Issuer, Audience = client.Id };
        Jwt.Verify(tokens.Text("id_token"), keys!, expected, server.Time.Now).TryGet(out var idToken, out var problem).ShouldBeTrue(problem?.Message);
        idToken!.Text("nonce").ShouldBe(request.Nonce);

        var userinfo = await server.UserinfoAsync(tokens.Text("access_token"));
        userinfo.Status.ShouldBe(HttpStatusCode.OK);
        userinfo.Text("sub").ShouldBe(idToken.Subject);
        userinfo.Text("name").ShouldBe(RunningServer.UserName);

        server.Time.Advance(TimeSpan.FromMinutes(9));
        var refreshed = await server.RefreshAsync(client, tokens.Text("refresh_token"));
        refreshed.Status.ShouldBe(HttpStatusCode.OK, refreshed.Body.ToString());
        refreshed.Text("refresh_token").ShouldNotBe(tokens.Text("refresh_token"));

        (await server.RevokeAsync(client, refreshed.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK);
        (await server.RefreshAsync(client, refreshed.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        (await server.UserinfoAsync(refreshed.Text("access_token"))).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }
}

using System.Net;
using System.Text;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Who is asking: a public client names itself, a confidential one proves itself, in one way and not in two.</summary>
public sealed class ClientAuthenticationTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Fact]
    [Assertion("TK-14")]
    [Rfc("RFC 6749", "2.3")]
    [Rfc("RFC 6749", "2.1")]
    public async Task A_secret_never_makes_a_public_client_confidential()
    {
        var code = await at.CodeAsync();
        var withSecret = await at.RedeemAsync(code, ("client_secret", "made up"));
        (withSecret.Status, withSecret.Error).ShouldBe((HttpStatusCode.Unauthorized, "invalid_client"));
        (await SendAsync(code.Exchange(("client_id", null)), Basic(at.Client.Id, "made up"))).Error.ShouldBe("invalid_client");
        (await SendAsync(code.Exchange(("client_secret", "made up")), Basic(at.Client.Id, "made up"))).Error.ShouldBe("invalid_request");
        (await at.RedeemAsync(code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Rfc("RFC 6749", "2.3.1")]
    public async Task A_public_client_may_send_Basic_with_an_empty_password()
    {
        (await SendAsync((await at.CodeAsync()).Exchange(("client_id", null)), Basic(at.Client.Id, ""))).Status.ShouldBe(HttpStatusCode.OK);
        var answer = await SendAsync((await at.CodeAsync()).Exchange(), Basic(at.Client.Id, ""));
        answer.Status.ShouldBe(HttpStatusCode.OK);
        answer.Response.Headers.WwwAuthenticate.ShouldBeEmpty("a good answer asks for nothing");
    }

    [Fact]
    [Assertion("TK-14")]
    public async Task Two_identities_in_one_request_are_refused()
    {
        var code = await at.CodeAsync();
        (await SendAsync(code.Exchange(("client_id", at.Other.Id)), Basic(at.Client.Id, ""))).Error.ShouldBe("invalid_request");
        (await SendAsync(code.Exchange(), Basic(at.Other.Id, ""))).Error.ShouldBe("invalid_request");
        (await SendAsync(code.Exchange(), Basic(at.Client.Id, ""), Basic(at.Other.Id, ""))).Status.ShouldNotBe(HttpStatusCode.OK);
        (await at.RedeemAsync(code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("TK-14")]
    [Rfc("RFC 6749", "2.3.1")]
    public async Task A_confidential_client_proves_itself_by_header_or_in_the_body_and_needs_its_verifier_too()
    {
        var (client, secret) = await at.AddConfidentialClientAsync();
        (await at.RedeemAsync(await at.CodeAsync(client), ("client_secret", secret))).Status.ShouldBe(HttpStatusCode.OK);
        (await SendAsync((await at.CodeAsync(client)).Exchange(("client_id", null)), Basic(client.Id, secret))).Status.ShouldBe(HttpStatusCode.OK);
        (await SendAsync((await at.CodeAsync(client)).Exchange(), Basic(client.Id, secret))).Status.ShouldBe(HttpStatusCode.OK, "the same id in the body as well");

        var code = await at.CodeAsync(client);
        (await at.RedeemAsync(code)).Error.ShouldBe("invalid_client");
        (await at.RedeemAsync(code, ("client_secret", ""))).Error.ShouldBe("invalid_client");
        (await at.RedeemAsync(code, ("client_secret", secret + "x"))).Error.ShouldBe("invalid_client");
        (await at.RedeemAsync(code, ("client_secret", secret[..^1]))).Error.ShouldBe("invalid_client");
        (await SendAsync(code.Exchange(("client_id", null)), Basic(client.Id, ""))).Error.ShouldBe("invalid_client");
        (await SendAsync(code.Exchange(("client_secret", secret)), Basic(client.Id, secret))).Error.ShouldBe("invalid_request", "one way, not two");
        (await at.RedeemAsync(code, ("client_secret", secret), ("code_verifier", null))).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(code, ("client_secret", secret), ("code_verifier", CodeVerifier.New().Reveal()))).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(code, ("client_secret", secret))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [Assertion("TK-04")]
    [Rfc("RFC 6749", "5.2")]
    [InlineData("Basic")]
    [InlineData("Basic ")]
    [InlineData("Basic !!!")]
    [InlineData("Basic OmE=")]
    [InlineData("Basic bm9ib2R5")]
    [InlineData("Basic bm9ib2R5OnNlY3JldA==")]
    [InlineData("Basic JTAwOmE=")]
    [InlineData("Basic YSZiOmM=")]
    [InlineData("Bearer abc")]
    [InlineData("Digest username=\"x\"")]
    [InlineData("x")]
    public async Task A_header_that_proves_nothing_is_refused_with_its_challenge(string header)
    {
        var answer = await SendAsync((await at.CodeAsync()).Exchange(("client_id", null)), header);
        (answer.Status, answer.Error).ShouldBe((HttpStatusCode.Unauthorized, "invalid_client"));
        answer.Response.Headers.WwwAuthenticate.ToString().ShouldStartWith("Basic ");
    }

    [Fact]
    [Rfc("RFC 6749", "2.3.1")]
    public async Task Id_and_secret_of_a_header_are_form_encoded_before_they_are_joined()
    {
        var (client, secret) = await at.AddConfidentialClientAsync();
        var encoded = string.Concat(client.Id.Select(character => $"%{(int)character:x2}")) + ":" + string.Concat(secret.Select(character => $"%{(int)character:X2}"));
        var answer = await SendAsync((await at.CodeAsync(client)).Exchange(("client_id", null)), "basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes(encoded)));
        answer.Status.ShouldBe(HttpStatusCode.OK, answer.Body.ToString());
    }

    [Theory]
    [Rfc("RFC 6749", "2.3.1")]
    [InlineData("SECRET", true)]
    [InlineData("%53ECRET", false)]
    [InlineData("SECRET+", false)]
    [InlineData("SECRET%20", false)]
    [InlineData("SECRET%3A", false)]
    [InlineData("SECRET:", false)]
    [InlineData(":SECRET", false)]
    [InlineData("SECRET%", false)]
    [InlineData("SECRET%zz", false)]
    [InlineData("SECRET%00", false)]
    [InlineData("SECRET\u00e9", false)]
    [InlineData("SECRET%C3%A9", false)]
    [InlineData("SECRET%C3", false)]
    [InlineData("SECRET&secret=SECRET", false)]
    [InlineData("SECRET=", false)]
    public async Task A_header_can_be_read_in_one_way_only(string password, bool isGood)
    {
        var (client, secret) = await at.AddConfidentialClientAsync();
        var pair = $"{client.Id}:{password.Replace("SECRET", secret, StringComparison.Ordinal)}";
        var answer = await SendAsync((await at.CodeAsync(client)).Exchange(("client_id", null)), "Basic " + Convert.ToBase64String(Encoding.Latin1.GetBytes(pair)));
        answer.Error.ShouldBe(isGood ? null : "invalid_client");
        if (!isGood) (answer.Status, answer.Response.Headers.WwwAuthenticate.ToString()).ShouldBe((HttpStatusCode.Unauthorized, "Basic realm=\"token\""));
    }

    [Fact]
    [Assertion("TK-14")]
    public async Task The_secret_of_another_client_proves_nothing()
    {
        var (client, _) = await at.AddConfidentialClientAsync();
        var (_, other) = await at.AddConfidentialClientAsync();
        var code = await at.CodeAsync(client);
        (await at.RedeemAsync(code, ("client_secret", other))).Error.ShouldBe("invalid_client");
    }

    private static string Basic(string id, string secret) => "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes($"{id}:{secret}"));

    private Task<JsonAnswer> SendAsync(Dictionary<string, string> fields, params string[] headers) =>
        at.PostAsync(fields, request => request.Headers.TryAddWithoutValidation("Authorization", headers));
}

using System.Net;
using ProofKey.Server.Protocol;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>No code without an S256 challenge, on any way in.</summary>
public sealed class PkceAuthorizeTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    // What is wrong with a challenge, and how it is spoilt.
    private static readonly Dictionary<string, Func<AuthorizeUrl, AuthorizeUrl>> Spoilt = new()
    {
        ["no challenge"] = request => request.Set("code_challenge", null),
        ["neither challenge nor method"] = request => request.Set("code_challenge", null).Set("code_challenge_method", null),
        ["plain"] = request => request.Set("code_challenge_method", "plain"),
        ["plain with the verifier"] = request => request.Set("code_challenge_method", "plain").Set("code_challenge", request.Verifier.Reveal()),
        ["no method"] = request => request.Set("code_challenge_method", null),
        ["empty method"] = request => request.Set("code_challenge_method", ""),
    };

    public static TheoryData<string> Ways => ["GET", "POST", "silent", "form_post", "remembered consent", "first-party", "sign-in page", "consent page", "a ticket for the good request", "no address", "another scope", "confidential"];

    [Fact]
    [Assertion("PK-23")]
    [Rfc("RFC 9700", "2.1.1")]
    public async Task A_challenge_or_nonce_that_comes_for_a_second_code_is_logged()
    {
        int Warnings(string parameter) => _server.Log.Lines.Count(line =>
            line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains(shared.Web.Id, StringComparison.Ordinal) && line.Contains($"the same {parameter}", StringComparison.Ordinal));
        using var person = await shared.SignedInAsync();
        var first = shared.Request(shared.Web);
        await person.AuthorizeAsync(first);
        await person.AuthorizeAsync(shared.Request(shared.Web));
        (Warnings("code_challenge"), Warnings("nonce")).ShouldBe((0, 0), "the pages on the way are no second code");

        (await person.AuthorizeAsync(shared.Request(shared.Web).Set("nonce", first.Nonce))).ShouldContainKey("code", "it is logged, not refused");
        (Warnings("code_challenge"), Warnings("nonce")).ShouldBe((0, 1));
        await person.AuthorizeAsync(shared.Request(shared.Web).Set("code_challenge", first.Verifier.Challenge.ToString()));
        (Warnings("code_challenge"), Warnings("nonce")).ShouldBe((1, 1));

        await person.AuthorizeAsync(shared.Request().Set("nonce", first.Nonce));
        _server.Log.Lines.ShouldNotContain(line => line.Contains($"{shared.Native.Id} got a second code", StringComparison.Ordinal), "the nonce of another client is nobody's concern");
    }

    [Fact]
    [Assertion("PK-23")]
    public void What_is_remembered_is_forgotten_after_some_days()
    {
        var now = _server.Time.Now;
        AuthorizeRequest Request(string nonce) =>
            AuthorizeRequest.Parse(Parameters.Of(shared.Request(shared.Web).Set("nonce", nonce).Parameters), shared.Web, []).ShouldBeOfType<AuthorizeOutcome.Valid>().Request;

        var values = new RepeatedValues();
        values.Find(Request("a"), now).ShouldBeNull();
        values.Find(Request("a"), now.AddDays(1)).ShouldBe("nonce");
        values.Find(Request("b"), now.AddDays(3)).ShouldBeNull();
        values.Find(Request("a"), now.AddDays(3)).ShouldBe("nonce", "still in the older half");
        values.Find(Request("b"), now.AddDays(9)).ShouldBe("nonce");
        values.Find(Request("c"), now.AddDays(18)).ShouldBeNull();
        values.Find(Request("a"), now.AddDays(18)).ShouldBeNull("both halves have gone since");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Assertion("PK-01")]
    [Assertion("PK-02")]
    [Assertion("PK-03")]
    [Assertion("PK-09")]
    [Assertion("PK-16")]
    [Rfc("RFC 7636", "4.3")]
    [Rfc("RFC 7636", "4.4.1")]
    [Rfc("RFC 9700", "2.1.1")]
    public async Task Without_an_S256_challenge_there_is_no_code_on_any_way_in(string way)
    {
        using var person = await shared.SignedInAsync();
        foreach (var (name, spoil) in Spoilt)
        {
            var response = await TryAsync(person, way, spoil);
            var answer = response.StatusCode == HttpStatusCode.OK ? (await Person.FormOf(response)).Fields : Person.AnswerOf(response);
            answer.GetValueOrDefault("error").ShouldBe("invalid_request", $"{name}, {way}");
            answer.ShouldContainKey("state");
            answer["iss"].ShouldBe(_server.Issuer);
            answer.ShouldNotContainKey("code");
        }
    }

    private async Task<HttpResponseMessage> TryAsync(Person person, string way, Func<AuthorizeUrl, AuthorizeUrl> spoil)
    {
        var native = spoil(shared.Request());
        switch (way)
        {
            case "POST":
                return await person.PostToAuthorizeAsync(native);
            case "silent":
                return await person.GetAsync(native.Set("prompt", "none").ToString());
            case "form_post":
                return await person.GetAsync(native.Set("response_mode", "form_post").ToString());
            case "remembered consent":
                (await person.AuthorizeAsync(shared.Request(shared.Web))).ShouldContainKey("code");
                return await person.GetAsync(spoil(shared.Request(shared.Web)).ToString());
            case "first-party":
                return await person.GetAsync(spoil(shared.Request(shared.FirstParty)).ToString());
            case "sign-in page":
                return await person.GetAsync(native.ToString().Replace("/authorize", "/signin", StringComparison.Ordinal));
            case "consent page":
                return await person.SubmitAsync(new PageForm(native.ToString().Replace("/authorize", "/consent", StringComparison.Ordinal), []), ("decision", "allow"));
            case "a ticket for the good request":
                var good = shared.Request();
                var agreed = await person.PostOnceAsync(await person.ConsentFormAsync(good), [("decision", "allow")]);
                return await person.GetAsync($"{spoil(good)}&step={Browsing.Parameter(agreed.Headers.Location!.OriginalString, "step")}");
            case "no address":
                return await person.GetAsync(spoil(shared.Request(shared.Web)).Set("redirect_uri", null).Set("scope", "profile").ToString());
            case "another scope":
                return await person.GetAsync(native.Set("scope", null).ToString());
            case "confidential":
                var confidential = await _server.AddClientAsync(OneServer.WebUri, registration => registration with { IsPublic = false });
                return await person.GetAsync(spoil(shared.Request(confidential)).ToString());
            default:
                return await person.GetAsync(native.ToString());
        }
    }

    [Theory]
    [InlineData("s256")]
    [InlineData("S512")]
    [InlineData("S256 ")]
    [InlineData(" S256")]
    [InlineData("none")]
    [InlineData("S256,plain")]
    [InlineData("S256 plain")]
    [InlineData("S\uff1256")]
    [Assertion("PK-04")]
    [Rfc("RFC 7636", "4.3")]
    public async Task The_method_is_S256_to_the_letter(string method)
    {
        using var person = _server.NewPerson();
        var request = shared.Request().Set("code_challenge_method", method);
        (await person.GetOnceAsync(request.ToString())).ShouldRedirectWith("invalid_request", request, _server.Issuer);
    }

    public static TheoryData<string> BadChallenges =>
    [
        new string('a', 42), new string('a', 44), new string('A', 42) + "=", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw/cM",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw~cM", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN", " E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c\n",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cé", "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3",
    ];

    [Theory]
    [MemberData(nameof(BadChallenges))]
    [Assertion("PK-05")]
    [Rfc("RFC 7636", "4.2")]
    public async Task A_challenge_is_43_characters_of_strict_base64url(string challenge)
    {
        using var person = _server.NewPerson();
        var request = shared.Request().Set("code_challenge", challenge);
        (await person.GetOnceAsync(request.ToString())).ShouldRedirectWith("invalid_request", request, _server.Issuer);
    }

    [Fact]
    [Assertion("PK-05")]
    public async Task A_challenge_with_a_NUL_is_no_request()
    {
        var request = shared.Request();
        var challenge = request.Verifier.Challenge.ToString();
        using var person = _server.NewPerson();
        await (await person.GetOnceAsync(request.ToString().Replace(challenge, challenge + "%00", StringComparison.Ordinal))).ShouldBeErrorPageAsync();
    }

    [Fact]
    [Assertion("PK-13")]
    [Rfc("RFC 7636", "B")]
    public async Task The_verifier_of_the_RFC_opens_a_code_for_the_challenge_of_the_RFC()
    {
        var request = shared.Request().Set("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        var form = TokenCalls.CodeExchange(shared.Native, request, await shared.CodeAsync(request));
        form["code_verifier"] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        (await _server.PostFormAsync("/token", form)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("PK-10")]
    [Rfc("RFC 7636", "4.6")]
    public async Task A_confidential_client_needs_its_verifier_as_well()
    {
        var (client, secret) = await _server.Registry.AddClientAsync(new ClientRegistration { Name = "Confidential", IsPublic = false, RedirectUris = [OneServer.WebUri] });
        var request = shared.Request(client);
        var form = TokenCalls.CodeExchange(client, request, await shared.CodeAsync(request));
        form["client_secret"] = secret!;
        form.Remove("code_verifier");
        (await _server.PostFormAsync("/token", form)).Error.ShouldBe("invalid_grant");
        form["code_verifier"] = request.Verifier.Reveal();
        (await _server.PostFormAsync("/token", form)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("PK-15")]
    [Rfc("RFC 9700", "2.1.1")]
    public async Task The_metadata_offers_S256_and_nothing_else()
    {
        using var person = _server.NewPerson();
        using var metadata = System.Text.Json.JsonDocument.Parse(await person.Http.GetStringAsync("/.well-known/oauth-authorization-server", TestContext.Current.CancellationToken));
        metadata.RootElement.GetProperty("code_challenge_methods_supported").EnumerateArray().Select(method => method.GetString()).ShouldBe(["S256"]);
    }

    [Fact]
    [Assertion("PK-17")]
    [Assertion("PK-09")]
    [Rfc("RFC 7636", "4.4")]
    public void A_code_without_a_challenge_cannot_be_made_and_not_be_read()
    {
        typeof(AuthorizationCode).GetProperty(nameof(AuthorizationCode.Challenge))!
            .GetCustomAttributes(typeof(System.Runtime.CompilerServices.RequiredMemberAttribute), false).ShouldNotBeEmpty("the compiler wants one");
        Should.Throw<ArgumentException>(() => CodeChallenge.FromBytes([]));
    }

    [Fact]
    [Assertion("PK-19")]
    [Rfc("RFC 7636", "4.6")]
    public void Digests_are_compared_whole_whatever_their_first_difference_is()
    {
        var verifier = CodeVerifier.New();
        foreach (var position in (int[])[0, 15, 31])
        {
            var digest = verifier.Challenge.Bytes.ToArray();
            verifier.Matches(CodeChallenge.FromBytes(digest)).ShouldBeTrue();
            digest[position] ^= 1;
            verifier.Matches(CodeChallenge.FromBytes(digest)).ShouldBeFalse();
        }
    }
}

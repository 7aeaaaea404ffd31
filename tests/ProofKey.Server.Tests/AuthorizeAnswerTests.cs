using System.Net;
using System.Text;
using ProofKey.Server.Protocol;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What a client gets at its address.</summary>
public sealed class AuthorizeAnswerTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    public static TheoryData<string> States =>
        ["a b+c%26\"<>é", "&code=planted&state=x", "#fragment?and=query", "\r\nLocation: https://evil.example", "\u2028\u202e𝄞", new string('s', 2048), "%", "+", "=", "=&=", " "];

    [Theory]
    [MemberData(nameof(States))]
    [Assertion("AZ-10")]
    [Rfc("RFC 6749", "4.1.2")]
    [Rfc("RFC 6749", "4.1.2.1")]
    public async Task The_state_comes_back_to_the_byte_in_success_and_error(string state)
    {
        using var person = await shared.SignedInAsync();
        (await person.AuthorizeAsync(shared.Request().Set("state", state)))["state"].ShouldBe(state);
        (await person.AuthorizeAsync(shared.Request().Set("state", state), decision: "deny"))["state"].ShouldBe(state);
        var refused = shared.Request().Set("state", state).Set("scope", "admin");
        (await person.GetOnceAsync(refused.ToString())).ShouldRedirectWith("invalid_scope", refused, _server.Issuer)["state"].ShouldBe(state);
    }

    [Fact]
    [Assertion("AZ-10")]
    [Assertion("AZ-11")]
    [Rfc("RFC 9207", "2")]
    public async Task An_answer_has_code_state_and_issuer_and_nothing_else()
    {
        using var person = await shared.SignedInAsync();
        (await person.AuthorizeAsync(shared.Request())).Keys.ShouldBe(["code", "state", "iss"]);
        (await person.AuthorizeAsync(shared.Request().Set("state", null))).Keys.ShouldBe(["code", "iss"]);
    }

    [Fact]
    [Assertion("AZ-15")]
    public async Task Codes_cannot_be_guessed_or_told_apart_by_their_beginning()
    {
        var codes = new List<byte[]>();
        for (var i = 0; i < 8; i++)
        {
            var code = await shared.CodeAsync(shared.Request());
            code.ShouldStartWith(AuthorizationCode.Prefix);
            Base64UrlText.TryDecode(code.AsSpan(AuthorizationCode.Prefix.Length), out var bytes).ShouldBeTrue();
            codes.Add(bytes!);
        }
        // Version and key id are the fixed tag; from the nonce on, nothing is alike.
        const int Tag = 5;
        codes.Select(code => Convert.ToHexString(code.AsSpan(Tag, 12))).ShouldBeUnique();
        codes.ShouldAllBe(code => code.Length - Tag >= 32);
        for (var i = 1; i < codes.Count; i++)
            codes[i].AsSpan(Tag).CommonPrefixLength(codes[0].AsSpan(Tag)).ShouldBeLessThan(4);
    }

    [Fact]
    [Assertion("AZ-16")]
    [Rfc("RFC 7636", "4.4")]
    public async Task Nothing_of_the_request_can_be_read_from_a_code()
    {
        var request = shared.Request().Set("nonce", "a-nonce-to-look-for");
        var code = await shared.CodeAsync(request);
        Base64UrlText.TryDecode(code.AsSpan(AuthorizationCode.Prefix.Length), out var bytes).ShouldBeTrue();
        foreach (var secret in (byte[][])[request.Verifier.Challenge.Bytes.ToArray(), .. Texts(request)])
        {
            bytes.AsSpan().IndexOf(secret).ShouldBe(-1);
            code.ShouldNotContain(Encoding.UTF8.GetString(secret));
        }
        bytes.AsSpan().IndexOfAny((byte)'{', (byte)'"').ShouldBeLessThan(bytes!.Length);
        code.Split('.').Length.ShouldBe(1, "a code is no JWT");
    }

    private IEnumerable<byte[]> Texts(AuthorizeUrl request) => new[] { request.Verifier.Challenge.ToString(), shared.Native.Id, RunningServer.UserName, "openid", "a-nonce-to-look-for", "127.0.0.1" }.Select(Encoding.UTF8.GetBytes);

    [Fact]
    [Assertion("AZ-20")]
    public async Task A_posted_answer_is_a_page_with_one_form_for_the_very_address_and_one_script()
    {
        using var person = await shared.SignedInAsync();
        const string State = "\"><script>alert(1)</script>&amp;'";
        var request = shared.Request().Set("response_mode", "form_post").Set("state", State);
        var response = await person.SubmitAsync(await person.ConsentFormAsync(request), ("decision", "allow"));

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Headers.Location.ShouldBeNull();
        response.Header("Cache-Control").ShouldBe("no-store");
        response.Policy("form-action").ShouldBe(["http://127.0.0.1"]);
        var page = await response.PageAsync();
        var form = page.QuerySelectorAll("form").ShouldHaveSingleItem();
        form.GetAttribute("method").ShouldBe("post");
        form.GetAttribute("action").ShouldBe(request.RedirectUri);
        var fields = (await Person.FormOf(response)).Fields;
        fields.Keys.ShouldBe(["code", "state", "iss"]);
        fields["state"].ShouldBe(State);
        fields["iss"].ShouldBe(_server.Issuer);
        var script = page.QuerySelectorAll("script").ShouldHaveSingleItem();
        response.Policy("script-src").ShouldBe([$"'sha256-{Convert.ToBase64String(Secret.Digest(script.TextContent))}'"]);
        script.Attributes.ShouldBeEmpty();

        (await _server.RedeemAsync(shared.Native, request, fields["code"])).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("AZ-20")]
    [Assertion("AZ-23")]
    public async Task An_error_is_posted_too()
    {
        using var person = await shared.SignedInAsync();
        var declined = await person.SubmitAsync(await person.ConsentFormAsync(shared.Request().Set("response_mode", "form_post")), ("decision", "deny"));
        (await Person.FormOf(declined)).Fields["error"].ShouldBe("access_denied");
        var refused = await person.GetOnceAsync(shared.Request().Set("response_mode", "form_post").Set("code_challenge", null).ToString());
        (await Person.FormOf(refused)).Fields["error"].ShouldBe("invalid_request");
    }

    [Fact]
    [Assertion("AZ-22")]
    public async Task A_first_party_client_gets_its_code_without_a_page_to_agree_on()
    {
        using var person = await shared.SignedInAsync();
        var request = shared.Request(shared.FirstParty);
        var response = await person.GetOnceAsync(request.ToString());
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var fields = (await Person.FormOf(response)).Fields;
        (await _server.RedeemAsync(shared.FirstParty, request, fields["code"])).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("https://app.example/cb?tenant=a%26b&x", "&")]
    [InlineData("https://app.example/cb?", "")]
    [InlineData("https://app.example/cb?a=1&", "")]
    [InlineData("http://127.0.0.1/cb?tenant=1", "&")]
    [InlineData("com.example.app:/cb?x=1", "&")]
    [InlineData("com.example.app:/cb", "?")]
    [InlineData("https://app.example", "?")]
    [Assertion("RU-11")]
    [Rfc("RFC 6749", "3.1.2")]
    public async Task The_address_is_kept_to_the_character_and_the_answer_appended(string redirectUri, string separator)
    {
        var client = await _server.AddClientAsync(redirectUri);
        using var person = await shared.SignedInAsync();
        var response = await person.SubmitAsync(await person.ConsentFormAsync(shared.Request(client)), ("decision", "allow"));
        response.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        response.Headers.Location!.OriginalString.ShouldStartWith($"{redirectUri}{separator}code=pkc_");
    }
}

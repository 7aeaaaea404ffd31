using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What may be sent to the token endpoint, and what it answers.</summary>
public sealed class TokenRequestTests(TokenServer at) : IClassFixture<TokenServer>
{
    private const string Form = "application/x-www-form-urlencoded";

    [Theory]
    [Assertion("UI-21")]
    [Rfc("RFC 6749", "A.1")]
    [InlineData("forged\nError: all is lost")]
    [InlineData("forged\u001b[2J")]
    [InlineData("forged\u2028line")]
    public async Task A_client_id_that_is_no_visible_ASCII_does_not_reach_the_log(string id)
    {
        var answer = await at.RedeemAsync(await at.CodeAsync(), ("client_id", id));
        answer.Status.ShouldNotBe(HttpStatusCode.OK);
        at.Server.Log.Lines.ShouldNotContain(line => line.Contains("forged", StringComparison.Ordinal));
    }

    [Theory]
    [Assertion("TK-01")]
    [Rfc("RFC 6749", "3.2")]
    [InlineData("GET")]
    [InlineData("PUT")]
    [InlineData("HEAD")]
    [InlineData("DELETE")]
    public async Task Only_POST_is_a_token_request(string method)
    {
        var code = await at.CodeAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), $"{at.Server.Issuer}/token?{Query(code.Exchange())}");
        (await TokenCalls.SendAsync(request)).Status.ShouldBe(HttpStatusCode.MethodNotAllowed);
        (await at.RedeemAsync(code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("TK-01")]
    public async Task Parameters_in_the_query_are_none()
    {
        var code = await at.CodeAsync();
        var answer = await at.Server.PostFormAsync("/token?" + Query(code.Exchange()), []);
        (answer.Status, answer.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_request"));
        (await at.RedeemAsync(code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [Assertion("TK-02")]
    [Rfc("RFC 6749", "3.2")]
    [InlineData("grant_type")]
    [InlineData("code")]
    [InlineData("code_verifier")]
    [InlineData("client_id")]
    [InlineData("redirect_uri")]
    [InlineData("unheard_of")]
    public async Task A_parameter_that_comes_twice_is_refused(string name)
    {
        var code = await at.CodeAsync();
        var fields = code.Exchange().ToList();
        if (name == "unheard_of") fields.Add(new(name, "x"));
        var value = fields.Find(field => field.Key == name).Value;

        var equal = await at.PostAsync([.. fields, new(name, value)]);
        (equal.Status, equal.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_request"), "with equal values too");
        (await at.PostAsync([.. fields, new(name, "")])).Error.ShouldBe("invalid_request", "an empty one is a second one");
        (await at.PostAsync([new(name, "other"), .. fields])).Error.ShouldBe("invalid_request");
        var inBoth = await at.Server.PostFormAsync($"/token?{name}={Uri.EscapeDataString(value)}", fields);
        (inBoth.Status, inBoth.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_request"), "once in the body and once in the query");

        (await at.RedeemAsync(code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("TK-02")]
    public async Task A_refresh_token_that_comes_twice_is_refused()
    {
        var token = (await at.TokensAsync()).Text("refresh_token");
        KeyValuePair<string, string>[] fields = [new("grant_type", "refresh_token"), new("client_id", at.Client.Id), new("refresh_token", token)];
        (await at.PostAsync([.. fields, new("refresh_token", token)])).Error.ShouldBe("invalid_request");
        (await at.PostAsync([.. fields, new("scope", "openid"), new("scope", "email")])).Error.ShouldBe("invalid_request");
        (await at.PostAsync(fields)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [Assertion("TK-03")]
    [Rfc("RFC 6749", "B")]
    [InlineData("application/json", HttpStatusCode.BadRequest)]
    [InlineData("multipart/form-data; boundary=x", HttpStatusCode.BadRequest)]
    [InlineData("text/plain", HttpStatusCode.BadRequest)]
    [InlineData(null, HttpStatusCode.BadRequest)]
    [InlineData("application/x-www-form-urlencoded; charset=iso-8859-1", HttpStatusCode.BadRequest)]
    [InlineData("application/x-www-form-urlencoded; charset=utf-16", HttpStatusCode.BadRequest)]
    [InlineData("application/x-www-form-urlencoded2", HttpStatusCode.BadRequest)]
    [InlineData("application/x-www-form-urlencoded", HttpStatusCode.OK)]
    [InlineData("application/x-www-form-urlencoded;charset=UTF-8", HttpStatusCode.OK)]
    [InlineData("application/x-www-form-urlencoded; charset=\"utf-8\"", HttpStatusCode.OK)]
    [InlineData("Application/X-WWW-Form-URLEncoded", HttpStatusCode.OK)]
    public async Task Only_a_form_is_read(string? contentType, HttpStatusCode expected)
    {
        var code = await at.CodeAsync();
        var answer = await SendAsync(contentType, Encoding.ASCII.GetBytes(Query(code.Exchange())));
        answer.Status.ShouldBe(expected);
        answer.Error.ShouldBe(expected == HttpStatusCode.OK ? null : "invalid_request");
    }

    public static TheoryData<string> BrokenBodies =>
    [
        "grant_type=authorization_code&client_id=%", "grant_type=authorization_code&client_id=%4", "grant_type=authorization_code&client_id=%zz", "grant_type=authorization_code&client_id=%00",
        "grant_type=authorization_code&client_id=%ff", "grant_type=authorization_code&client_id=%c3%28", "grant_type=authorization_code&client_id=a\u0001b", "", "&", "=", "%00=1",
        string.Join('&', Enumerable.Range(0, 101).Select(number => $"a{number}=1")),
    ];

    [Theory]
    [Assertion("TK-03")]
    [MemberData(nameof(BrokenBodies))]
    public async Task A_broken_body_is_an_invalid_request(string body)
    {
        var answer = await SendAsync(Form, Encoding.Latin1.GetBytes(body));
        (answer.Status, answer.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_request"));
    }

    [Fact]
    [Assertion("TK-03")]
    public async Task Raw_bytes_beyond_ASCII_are_an_invalid_request()
    {
        var answer = await SendAsync(Form, [.. "grant_type=authorization_code&client_id="u8, 0xc3, 0xa9]);
        (answer.Status, answer.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_request"));
    }

    [Theory]
    [Assertion("TK-03")]
    [InlineData(33 * 1024, false, false)]
    [InlineData(33 * 1024, true, false)]
    [InlineData(10_000_000, false, true)]
    public async Task An_oversize_body_is_refused(int length, bool isChunked, bool asksFirst)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, at.Server.Issuer + "/token") { Content = new ByteArrayContent(Encoding.ASCII.GetBytes("grant_type=" + new string('a', length))) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(Form);
        request.Headers.TransferEncodingChunked = isChunked;
        // Who asks before sending is told at once; who does not may find the connection closed in the middle.
        request.Headers.ExpectContinue = asksFirst;
        var answer = await TokenCalls.SendAsync(request);
        (answer.Status, answer.Error).ShouldBe((HttpStatusCode.RequestEntityTooLarge, "invalid_request"));
    }

    [Theory]
    [Assertion("TK-04")]
    [Rfc("RFC 6749", "5.2")]
    [InlineData("grant_type", null, HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("grant_type", "", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("grant_type", "Authorization_Code", HttpStatusCode.BadRequest, "unsupported_grant_type")]
    [InlineData("grant_type", "authorization_code ", HttpStatusCode.BadRequest, "unsupported_grant_type")]
    [InlineData("code", null, HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("code", "", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("code", "unknown", HttpStatusCode.BadRequest, "invalid_grant")]
    [InlineData("client_id", null, HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("client_id", "", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("client_id", "nobody", HttpStatusCode.Unauthorized, "invalid_client")]
    public async Task What_is_missing_or_unknown_has_its_own_error(string name, string? value, HttpStatusCode status, string error)
    {
        var code = await at.CodeAsync();
        var answer = await at.RedeemAsync(code, (name, value));
        (answer.Status, answer.Error).ShouldBe((status, error));
        answer.Text("error_description").ShouldNotBeEmpty();
        (await at.RedeemAsync(code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("TK-05")]
    [Rfc("RFC 6749", "5.1")]
    public async Task Good_and_bad_answers_are_JSON_that_nobody_keeps()
    {
        var code = await at.CodeAsync();
        JsonAnswer[] answers = [await at.RedeemAsync(code), await at.RedeemAsync(code), await at.PostAsync([]), await at.RedeemAsync(code, ("client_id", "nobody")), await SendAsync("text/plain", [])];
        foreach (var answer in answers)
        {
            answer.Response.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
            answer.Response.Headers.CacheControl!.NoStore.ShouldBeTrue();
            answer.Response.Headers.Pragma.ToString().ShouldBe("no-cache");
            answer.Response.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        }
    }

    [Fact]
    [Assertion("TK-16")]
    [Rfc("RFC 6749", "5.1")]
    public async Task A_good_answer_has_its_members_once_and_no_empty_ones()
    {
        foreach (var scope in (string?[])["openid profile email", "email", null])
        {
            var request = new AuthorizeUrl(at.Server, at.Client).Set("scope", scope);
            var answer = await at.RedeemAsync(new IssuedCode(at.Client, request, (await at.Person.AuthorizeAsync(request))["code"]));
            using var body = JsonDocument.Parse(await answer.Response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), new JsonDocumentOptions { AllowDuplicateProperties = false });
            body.RootElement.EnumerateObject().ShouldAllBe(member => member.Value.ValueKind != JsonValueKind.Null);
            answer.Text("access_token").ShouldNotBeEmpty();
            answer.Text("refresh_token").ShouldNotBeEmpty();
            answer.Text("token_type").ShouldBe("Bearer");
            answer.Body.GetProperty("expires_in").GetInt64().ShouldBe(600);
            if (scope is null) answer.Body.TryGetProperty("scope", out _).ShouldBeFalse();
            else answer.Text("scope").ShouldBe(scope);
        }
    }

    [Fact]
    [Assertion("TK-16")]
    [Rfc("RFC 9068", "2.2")]
    public async Task An_access_token_says_for_whom_by_whom_and_until_when()
    {
        var tokens = await at.TokensAsync("openid email");
        var token = await at.VerifyAsync(tokens.Text("access_token"), at.Server.Issuer);
        token.Type.ShouldBe("at+jwt");
        token.Text("client_id").ShouldBe(at.Client.Id);
        token.Text("scope").ShouldBe("openid email");
        token.Text("jti").ShouldNotBeNullOrEmpty();
        token.ExpiresAt.ShouldBe(token.IssuedAt!.Value + TimeSpan.FromMinutes(10));
        token.Audiences.ShouldHaveSingleItem();

        var api = await at.AddClientAsync(registration => registration with { Audience = "https://api.example/" });
        (await at.VerifyAsync((await at.TokensAsync("openid", api)).Text("access_token"), "https://api.example/")).Audiences.ShouldBe(["https://api.example/"]);
    }

    [Fact]
    [Assertion("TK-11")]
    [Rfc("RFC 8725", "3.11")]
    public async Task What_was_made_for_something_else_is_neither_code_nor_refresh_token()
    {
        var code = await at.CodeAsync();
        var tokens = await at.TokensAsync();
        using var person = at.Server.NewPerson();
        var signIn = await Person.FormOf(await person.GetAsync(code.Request.ToString()));
        var step = signIn.Action[(signIn.Action.IndexOf("step=", StringComparison.Ordinal) + "step=".Length)..];
        var cookies = at.Person.Cookies.GetCookies(new Uri(at.Server.Issuer)).Select(cookie => cookie.Value);
        string[] others =
        [
            tokens.Text("access_token"), tokens.Text("id_token"), code.Request.State, code.Request.Nonce, code.Request.Verifier.Challenge.ToString(), at.Client.Id,
            step, "pkc_" + step, "pkr_" + step, "pkc_" + signIn.Fields["form_token"], "pkr_" + signIn.Fields["form_token"], .. cookies,
        ];

        foreach (var other in (string[])[.. others, tokens.Text("refresh_token"), "pkc_" + tokens.Text("refresh_token")[4..]])
            (await at.RedeemAsync(code, ("code", other))).Error.ShouldBe("invalid_grant");
        foreach (var other in (string[])[.. others, code.Text, "pkr_" + code.Text[4..]])
            (await at.RefreshAsync(other)).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("TK-12")]
    [Rfc("RFC 6749", "10.10")]
    public async Task One_changed_character_makes_a_code_worthless()
    {
        var code = await at.CodeAsync();
        foreach (var changed in Changes(code.Text))
            (await at.RedeemAsync(code, ("code", changed))).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("TK-12")]
    public async Task One_changed_character_makes_a_refresh_token_worthless_and_revokes_nothing()
    {
        var token = (await at.TokensAsync()).Text("refresh_token");
        foreach (var changed in Changes(token))
            (await at.RefreshAsync(changed)).Error.ShouldBe("invalid_grant");
        (await at.RefreshAsync(token)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [Assertion("TK-13")]
    [Rfc("RFC 9700", "2.4")]
    [InlineData("password")]
    [InlineData("implicit")]
    [InlineData("urn:ietf:params:oauth:grant-type:jwt-bearer")]
    [InlineData("urn:ietf:params:oauth:grant-type:saml2-bearer")]
    [InlineData("urn:ietf:params:oauth:grant-type:token-exchange")]
    [InlineData("device_code")]
    public async Task Grants_that_do_not_exist_here_are_refused(string grantType)
    {
        var fields = new Dictionary<string, string>
        {
            ["grant_type"] = grantType,
            ["client_id"] = at.Client.Id,
            ["username"] = RunningServer.UserName,
            ["password"] = RunningServer.Password,
            ["scope"] = "openid",
        };
        var answer = await at.PostAsync(fields);
        (answer.Status, answer.Error).ShouldBe((HttpStatusCode.BadRequest, "unsupported_grant_type"));
    }

    [Fact]
    [Rfc("RFC 6749", "3.2")]
    public async Task What_real_clients_add_is_ignored()
    {
        var code = await at.CodeAsync();
        var answer = await at.RedeemAsync(code, ("client_secret", ""), ("response_type", "token"), ("access_type", "offline"), ("state", "x"), ("scope", "openid"), ("nonce", ""), ("x", "y"));
        answer.Status.ShouldBe(HttpStatusCode.OK, answer.Body.ToString());
    }

    [Fact]
    [Rfc("RFC 6749", "B")]
    public async Task A_redirect_uri_that_was_not_escaped_is_read_as_it_stands()
    {
        var code = await at.CodeAsync();
        var body = string.Join('&', code.Exchange().Select(field => $"{field.Key}={field.Value}"));
        (await SendAsync(Form, Encoding.ASCII.GetBytes(body))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [Rfc("RFC 8707", "2.2")]
    [InlineData("https://api.example/", null)]
    [InlineData("https://other.example/", "invalid_target")]
    [InlineData("https://api.example", "invalid_target")]
    public async Task The_one_resource_is_the_one_that_the_client_is_registered_for(string resource, string? error)
    {
        var client = await at.AddClientAsync(registration => registration with { Audience = "https://api.example/" });
        var code = await at.CodeAsync(client);
        (await at.RedeemAsync(code, ("resource", resource))).Error.ShouldBe(error);
        var twice = await at.PostAsync([.. (await at.CodeAsync(client)).Exchange(), new("resource", "https://api.example/"), new("resource", "https://other.example/")]);
        twice.Error.ShouldBe("invalid_target");
    }

    [Fact]
    [Assertion("TK-13")]
    [Rfc("RFC 6749", "5.2")]
    public async Task A_grant_type_that_the_client_is_not_registered_for_is_refused()
    {
        var client = await at.AddClientAsync(registration => registration with { MayRefresh = false });
        var tokens = await at.RedeemAsync(await at.CodeAsync(client));
        tokens.Status.ShouldBe(HttpStatusCode.OK);
        tokens.Body.TryGetProperty("refresh_token", out _).ShouldBeFalse();
        var refused = await at.Server.RefreshAsync(client, "pkr_x");
        (refused.Status, refused.Error).ShouldBe((HttpStatusCode.BadRequest, "unauthorized_client"));
        refused.Response.Headers.CacheControl!.NoStore.ShouldBeTrue();
    }

    // Each position with another letter, each letter in the other case, cut short, made longer, padded, and the unused bits of the last letter.
    private static IEnumerable<string> Changes(string text)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for (var i = 0; i < text.Length; i++)
            yield return text[..i] + (text[i] == 'x' ? 'y' : 'x') + text[(i + 1)..];
        for (var i = 0; i < text.Length; i++)
            if (char.IsAsciiLetter(text[i])) yield return text[..i] + (char)(text[i] ^ 0x20) + text[(i + 1)..];
        for (var bits = 1; bits < 4; bits++)
            yield return text[..^1] + Alphabet[Alphabet.IndexOf(text[^1], StringComparison.Ordinal) ^ bits];
        foreach (var end in (string[])["A", "AAAA", "=", "==", ".", " ", "\n"]) yield return text + end;
        yield return " " + text;
        yield return text[..^1];
        yield return text[..^4];
        yield return text[..8];
        yield return text[4..];
        yield return text + text;
    }

    private static string Query(IEnumerable<KeyValuePair<string, string>> fields) => Parameters.Of(fields).ToQuery();

    private async Task<JsonAnswer> SendAsync(string? contentType, byte[] body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, at.Server.Issuer + "/token") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = contentType is null ? null : MediaTypeHeaderValue.Parse(contentType);
        return await TokenCalls.SendAsync(request);
    }
}

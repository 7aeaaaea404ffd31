using System.Net;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Which methods the endpoint knows, what other sites may read of it, and what it makes of input that is no request at all.</summary>
public sealed class AuthorizeMethodTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    [Theory]
    [InlineData("PUT")]
    [InlineData("HEAD")]
    [InlineData("OPTIONS")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    [Assertion("AZ-08")]
    public async Task Only_GET_and_POST_are_answered(string method)
    {
        using var person = _server.NewPerson();
        foreach (var path in (string[])["/authorize", "/signin", "/consent"])
        {
            var response = await person.SendAsync(new HttpMethod(method), shared.Request().ToString().Replace("/authorize", path, StringComparison.Ordinal));
            response.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
            response.Content.Headers.Allow.Order().ShouldBe(["GET", "POST"]);
        }
    }

    [Fact]
    [Assertion("AZ-08")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public async Task A_POST_means_the_same_as_a_GET()
    {
        using var person = await shared.SignedInAsync();
        var request = shared.Request();
        var moved = await person.SendAsync(HttpMethod.Post, request.Path, request.Parameters);
        moved.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        moved.Headers.Location!.OriginalString.ShouldBe(request.ToString());

        var consent = await Person.FormOf(await person.GetAsync(moved.Headers.Location.OriginalString));
        Person.AnswerOf(await person.SubmitAsync(consent, ("decision", "allow"))).ShouldContainKey("code");
    }

    [Fact]
    [Assertion("AZ-08")]
    public async Task Query_and_body_are_never_mixed()
    {
        using var person = await shared.SignedInAsync();
        var request = shared.Request();
        await (await person.SendAsync(HttpMethod.Post, request.ToString(), request.Parameters)).ShouldBeErrorPageAsync();
        await (await person.SendAsync(HttpMethod.Post, request + "&x=y", [])).ShouldBeErrorPageAsync();
        await (await person.PostToAuthorizeAsync(shared.Request().Set("client_id", null))).ShouldBeErrorPageAsync();
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("text/plain")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("application/x-www-form-urlencoded; charset=utf-16")]
    [Assertion("AZ-08")]
    public async Task A_body_of_another_type_is_refused(string type)
    {
        using var person = _server.NewPerson();
        var request = shared.Request();
        using var body = new StringContent(request.ToString().Split('?')[1]);
        body.Headers.Remove("Content-Type");
        body.Headers.TryAddWithoutValidation("Content-Type", type);
        await (await person.Http.PostAsync(request.Path, body, TestContext.Current.CancellationToken)).ShouldBeErrorPageAsync();
    }

    [Fact]
    [Assertion("AZ-09")]
    [Rfc("RFC 9700", "2.6")]
    public async Task No_page_of_another_origin_may_read_an_answer()
    {
        using var person = await shared.SignedInAsync();
        foreach (var origin in (string[])["https://evil.example", "null", _server.Issuer])
        {
            var got = await person.GetOnceAsync(shared.Request().ToString(), ("Origin", origin));
            var asked = await person.SendAsync(HttpMethod.Options, shared.Request().ToString(), null, ("Origin", origin), ("Access-Control-Request-Method", "GET"));
            var signIn = await person.GetOnceAsync(shared.Request().ToString().Replace("/authorize", "/signin", StringComparison.Ordinal), ("Origin", origin));
            foreach (var response in (HttpResponseMessage[])[got, asked, signIn])
                response.Headers.Where(header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty();
        }
    }

    [Fact]
    [Assertion("AZ-17")]
    [Rfc("RFC 9700", "4.12")]
    public async Task A_posted_password_or_consent_is_answered_with_303_so_that_it_is_never_posted_on()
    {
        using var person = _server.NewPerson();
        var signIn = await person.SignInFormAsync(shared.Request());
        (await person.PostOnceAsync(signIn, [("username", RunningServer.UserName), ("password", RunningServer.Password)])).StatusCode.ShouldBe(HttpStatusCode.SeeOther);

        var consent = await person.ConsentFormAsync(shared.Request());
        (await person.PostOnceAsync(consent, [("decision", "allow")])).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        (await person.PostOnceAsync(consent, [("decision", "deny")])).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        (await person.SendAsync(HttpMethod.Post, shared.Request().Path, shared.Request().Parameters)).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
    }

    [Theory]
    [InlineData("%00")]
    [InlineData("%C0%AF")]
    [InlineData("%ED%A0%80")]
    [InlineData("%F8%88%80%80%80")]
    [InlineData("%FF")]
    [InlineData("%zz")]
    [InlineData("%")]
    [InlineData("%4")]
    [InlineData("\u00e9")]
    [InlineData("\u00ff\u0080")]
    [InlineData("\u0001")]
    [Assertion("AZ-25")]
    [Rfc("RFC 6749", "3.1")]
    public async Task What_is_not_the_encoding_of_a_request_is_refused_and_never_mended(string bytes)
    {
        foreach (var path in (string[])["/authorize", "/signin", "/consent"])
            foreach (var target in (string[])[$"&state={bytes}", $"&{bytes}=x"])
            {
                var address = shared.Request().Set("state", null).ToString().Replace("/authorize", path, StringComparison.Ordinal) + target;
                var (status, text) = await _server.SendRawAsync(address);
                // The pages send a broken query to the endpoint, which shows the error.
                if (status == 303) (status, text) = await _server.SendRawAsync(LocationOf(text));
                status.ShouldBe(400, $"{path} {target}");
                text.ShouldNotContain("Location:");
            }
    }

    [Theory]
    [InlineData("%0d%0aSet-Cookie:%20planted=1")]
    [InlineData("%0aLocation:%20https://evil.example")]
    [InlineData("%e2%80%a8x")]
    [InlineData("%c4%8d%c4%8aX-Planted:%201")]
    [Assertion("AZ-25")]
    [Assertion("AZ-10")]
    public async Task No_value_can_end_a_header(string value)
    {
        var (status, text) = await _server.SendRawAsync(shared.Request().Set("state", null).Set("scope", "admin") + "&state=" + value);
        status.ShouldBe(303);
        text.ShouldNotContain("\nSet-Cookie");
        text.ShouldNotContain("\nX-Planted");
        text.Split("\r\n").Count(line => line.StartsWith("Location:", StringComparison.Ordinal)).ShouldBe(1);
        Parameters.TryParse(LocationOf(text).Split('?')[1], out var answer, out _).ShouldBeTrue();
        answer!["state"].ShouldBe(Uri.UnescapeDataString(value));
    }

    [Fact]
    [Assertion("AZ-25")]
    public async Task An_endless_query_or_body_is_refused_at_once()
    {
        var request = shared.Request();
        (await _server.SendRawAsync(request + "&x=" + new string('x', 64 * 1024))).Status.ShouldBe(414);
        (await _server.SendRawAsync(request + string.Concat(Enumerable.Range(0, 101).Select(i => $"&p{i}=")))).Status.ShouldBe(400);
        (await _server.SendRawAsync(request + string.Concat(Enumerable.Repeat("&", 5000)))).Status.ShouldBe(303, "nothing is between the ampersands");

        using var person = _server.NewPerson();
        await (await person.SendAsync(HttpMethod.Post, request.Path, Enumerable.Range(0, 5000).Select(i => KeyValuePair.Create($"p{i}", "")))).ShouldBeErrorPageAsync();
        await (await person.SendAsync(HttpMethod.Post, request.Path, [.. request.Parameters, new("x", new string('x', 40_000))])).ShouldBeErrorPageAsync();
    }

    private static string LocationOf(string answer) => answer.Split("\r\n").Single(line => line.StartsWith("Location:", StringComparison.Ordinal))["Location: ".Length..];
}

namespace ProofKey.Core.Tests;

/// <summary>Which redirect URIs can be registered at all.</summary>
[Rfc("RFC 6749", "3.1.2")]
public sealed class RedirectUriRegistrationTests
{
    [Theory]
    [Rfc("RFC 8252", "7")]
    [Rfc("RFC 8252", "8.6")]
    [InlineData("https://cb.example/cb", RedirectUriKind.Https, true, "cb.example")]
    [InlineData("https://cb.example", RedirectUriKind.Https, true, "cb.example")]
    [InlineData("https://cb.example:8443/a/b?x=1&y", RedirectUriKind.Https, true, "cb.example:8443")]
    [InlineData("https://localhost:9000/callback", RedirectUriKind.Https, true, "localhost:9000")]
    [InlineData("https://xn--bcher-kva.example/cb", RedirectUriKind.Https, true, "xn--bcher-kva.example")]
    [InlineData("http://127.0.0.1/cb", RedirectUriKind.Loopback, false, "127.0.0.1")]
    [InlineData("http://127.0.0.1", RedirectUriKind.Loopback, false, "127.0.0.1")]
    [InlineData("http://127.0.0.1:80/cb", RedirectUriKind.Loopback, false, "127.0.0.1")]
    [InlineData("http://127.0.0.1:8400/cb?x=1", RedirectUriKind.Loopback, false, "127.0.0.1")]
    [InlineData("http://[::1]/cb", RedirectUriKind.Loopback, false, "[::1]")]
    [InlineData("http://[::1]:80/cb", RedirectUriKind.Loopback, false, "[::1]")]
    [InlineData("http://localhost/cb", RedirectUriKind.Localhost, false, "localhost")]
    [InlineData("http://localhost:3000/", RedirectUriKind.Localhost, false, "localhost")]
    [InlineData("com.example.app:/callback", RedirectUriKind.PrivateUse, false, "com.example.app")]
    [InlineData("com.example.app://callback", RedirectUriKind.PrivateUse, false, "com.example.app")]
    [InlineData("com.example.app:/cb?x=1", RedirectUriKind.PrivateUse, false, "com.example.app")]
    public void A_good_one_is_kept_to_the_character(string text, RedirectUriKind kind, bool identifiesClient, string host)
    {
        var redirectUri = RedirectUri.Parse(text);
        (redirectUri.Value, redirectUri.ToString(), redirectUri.Kind, redirectUri.IdentifiesClient, redirectUri.Host).ShouldBe((text, text, kind, identifiesClient, host));
        redirectUri.Matches(text).ShouldBeTrue();
    }

    [Theory]
    [Assertion("RU-04")]
    [Rfc("RFC 8252", "7.1")]
    [InlineData("javascript:alert(1)")]
    [InlineData("JaVaScRiPt:alert(1)")]
    [InlineData("javascript://cb.example/%0aalert(1)")]
    [InlineData("data:text/html,x")]
    [InlineData("vbscript:x")]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://cb.example/cb")]
    [InlineData("blob:https://cb.example/cb")]
    [InlineData("about:blank")]
    [InlineData("mailto:a@b.example")]
    [InlineData("urn:ietf:wg:oauth:2.0:oob")]
    [InlineData(" https://cb.example/cb")]
    [InlineData("\thttps://cb.example/cb")]
    [InlineData("https://cb.example/cb ")]
    [InlineData("\u0001https://cb.example/cb")]
    [InlineData("java\nscript:alert(1)")]
    [InlineData("HTTPS://cb.example/cb")]
    [InlineData("Com.Example.App:/cb")]
    public void A_dangerous_or_unclear_scheme_is_refused(string text) => Refused(text);

    [Theory]
    [Assertion("RU-09")]
    [Rfc("RFC 8252", "8.4")]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("https://cb.example/cb#")]
    [InlineData("https://cb.example/cb#f")]
    [InlineData("com.example.app:/cb#f")]
    [InlineData("https://*.example/cb")]
    [InlineData("https://cb.example/*")]
    [InlineData("http://127.0.0.1:*/cb")]
    [InlineData("https://user@cb.example/cb")]
    [InlineData("https://user:password@cb.example/cb")]
    [InlineData("https://@cb.example/cb")]
    [InlineData("http://127.0.0.1:80@evil.example/cb")]
    [InlineData("com.example.app://user@host/cb")]
    [InlineData("/cb")]
    [InlineData("//cb.example/cb")]
    [InlineData("cb.example/cb")]
    [InlineData("cb")]
    [InlineData("?cb")]
    [InlineData("http://cb.example/cb")]
    [InlineData("http://192.168.1.2/cb")]
    [InlineData("http://127.0.0.1.evil.example/cb")]
    [InlineData("http://127.0.0.2/cb")]
    [InlineData("http://0.0.0.0/cb")]
    [InlineData("http://localhost.evil.example/cb")]
    [InlineData("http://localhost./cb")]
    [InlineData("http://[::2]/cb")]
    [InlineData("http://[::ffff:127.0.0.1]/cb")]
    [InlineData("myapp:/cb")]
    [InlineData("myapp://cb")]
    public void What_the_specifications_forbid_is_refused(string? text) => Refused(text);

    [Theory]
    [Assertion("RU-03")]
    [Rfc("RFC 3986", "2")]
    [InlineData("https://CB.example/cb")]
    [InlineData("https://cb.example./cb")]
    [InlineData("https://cb.example:443/cb")]
    [InlineData("https://cb.example:/cb")]
    [InlineData("https://cb.example:99999/cb")]
    [InlineData("https:/cb.example/cb")]
    [InlineData("https:cb.example/cb")]
    [InlineData("https:///cb")]
    [InlineData("https://")]
    [InlineData("https://cb.example\\cb")]
    [InlineData("https://bücher.example/cb")]
    [InlineData("https://ｃb.example/cb")]
    [InlineData("https://cb.example/a/../cb")]
    [InlineData("https://cb.example/./cb")]
    [InlineData("https://cb.example/a/%2e%2e/cb")]
    [InlineData("https://cb.example/%zz")]
    [InlineData("https://cb.example/cb é")]
    [InlineData("https://cb.example?x=1")]
    [InlineData("http://127.1/cb")]
    [InlineData("http://2130706433/cb")]
    [InlineData("http://0x7f.0.0.1/cb")]
    [InlineData("http://127.0.0.1:0/cb")]
    [InlineData("http://127.0.0.1:65536/cb")]
    [InlineData("http://127.0.0.1:080/cb")]
    [InlineData("http://127.0.0.1:/cb")]
    [InlineData("http://127.0.0.1/a/../cb")]
    [InlineData("http://127.0.0.1/%zz")]
    [InlineData("http://[::1]:0/cb")]
    [InlineData("http://[0:0:0:0:0:0:0:1]/cb")]
    [InlineData("http://LOCALHOST/cb")]
    [InlineData("http://localhost:80/cb")]
    public void What_has_another_normal_form_is_refused(string text) => Refused(text);

    [Theory]
    [Assertion("RU-10")]
    [InlineData("code")]
    [InlineData("state")]
    [InlineData("iss")]
    [InlineData("error")]
    [InlineData("error_description")]
    [InlineData("error_uri")]
    [InlineData("id_token")]
    [InlineData("access_token")]
    [InlineData("token_type")]
    [InlineData("expires_in")]
    [InlineData("scope")]
    [InlineData("response")]
    [InlineData("session_state")]
    [InlineData("CODE")]
    [InlineData("c%6Fde")]
    [InlineData("%63%6f%64%65")]
    public void A_query_that_brings_a_parameter_of_the_answer_is_refused(string name)
    {
        foreach (var start in new[] { "https://cb.example/cb", "http://127.0.0.1/cb", "http://localhost/cb", "com.example.app:/cb", "com.example.app:cb" })
            foreach (var query in new[] { $"{name}=x", name, $"a=1&{name}=x", $"a=1&&{name}=" })
                Refused($"{start}?{query}");
    }

    [Fact]
    public void A_redirect_uri_has_at_most_2000_characters()
    {
        var longest = "https://cb.example/".PadRight(RedirectUri.MaxLength, 'a');
        RedirectUri.Parse(longest).Value.ShouldBe(longest);
        Refused(longest + "a");
    }

    [Fact]
    public void The_exception_says_what_to_do() =>
        Should.Throw<FormatException>(() => RedirectUri.Parse("https://cb.example:443/cb")).Message.ShouldBe("A redirect URI is written in its normal form; did you mean https://cb.example/cb?");

    [Theory]
    [InlineData("https://cb.example/cb", "https://cb.example")]
    [InlineData("https://cb.example:8443/cb?x", "https://cb.example:8443")]
    [InlineData("http://127.0.0.1:5000/cb", "http://127.0.0.1:5000")]
    [InlineData("http://localhost:5000/cb", "http://localhost:5000")]
    [InlineData("com.example.app:/cb", "com.example.app:")]
    [InlineData("http.example:/cb", "http.example:")]
    // A host source cannot hold these: browsers would ignore it, and the form's answer would be blocked.
    [InlineData("http://[::1]:5000/cb", "http:")]
    [InlineData("https://[2001:db8::1]/cb", "https:")]
    [InlineData("https://192.0.2.1/cb", "https:")]
    public void A_policy_names_where_the_answer_of_a_form_may_go(string uri, string source)
    {
        RedirectUri.Parse(uri).Value.ShouldBe(uri);
        RedirectUri.FormActionSource(uri).ShouldBe(source);
    }

    private static void Refused(string? text)
    {
        RedirectUri.TryParse(text, out var redirectUri, out var problem).ShouldBeFalse($"{text} was registered");
        redirectUri.ShouldBeNull();
        problem.ShouldNotBeNullOrEmpty();
    }
}

namespace ProofKey.Core.Tests;

/// <summary>The address that names a server, and the addresses that follow from it.</summary>
[Rfc("RFC 8414", "2")]
public sealed class IssuerTests
{
    [Theory]
    [Rfc("RFC 8414", "3.1")]
    [Rfc("OpenID Connect Discovery", "4")]
    [InlineData("https://login.example", "")]
    [InlineData("https://login.example/", "")]
    [InlineData("https://login.example/tenant/1", "/tenant/1")]
    [InlineData("https://login.example/tenant/", "/tenant/")]
    [InlineData("https://login.example:8443", "")]
    [InlineData("http://127.0.0.1:8080", "")]
    [InlineData("http://[::1]:8080", "")]
    [InlineData("http://localhost:8080", "")]
    public void The_metadata_addresses_follow_from_the_issuer(string text, string path)
    {
        var issuer = Issuer.Parse(text);
        (issuer.Value, issuer.ToString()).ShouldBe((text, text));
        var origin = text[..(text.Length - path.Length)].TrimEnd('/');
        issuer.MetadataAddress.AbsoluteUri.ShouldBe($"{origin}/.well-known/oauth-authorization-server{path.TrimEnd('/')}");
        issuer.OpenIdConfigurationAddress.AbsoluteUri.ShouldBe($"{origin}{path.TrimEnd('/')}/.well-known/openid-configuration");
        issuer.IsHttps.ShouldBe(text.StartsWith("https:", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("login.example")]
    [InlineData("/")]
    [InlineData("//login.example")]
    [InlineData("ftp://login.example")]
    [InlineData("file:///login")]
    [InlineData("http://login.example")]
    [InlineData("http://192.168.1.2")]
    [InlineData("http://127.0.0.1.evil.example")]
    [InlineData("http://localhost.evil.example")]
    [InlineData("https://user@login.example")]
    [InlineData("https://user:password@login.example")]
    [InlineData("https://@login.example")]
    [InlineData("https://login.example?tenant=1")]
    [InlineData("https://login.example?")]
    [InlineData("https://login.example#")]
    [InlineData("https://login.example/#f")]
    [InlineData("https://Login.example")]
    [InlineData("HTTPS://login.example")]
    [InlineData("https://login.example:443")]
    [InlineData("https://login.example/a/../b")]
    [InlineData("https://login.example\\a")]
    [InlineData(" https://login.example")]
    [InlineData("https://login.example ")]
    [InlineData("https://login.example\n")]
    [InlineData("https://bücher.example")]
    [InlineData("https://login.example/é")]
    [InlineData("http://127.1")]
    [InlineData("https://")]
    [Assertion("TK-20")]
    public void What_cannot_be_an_issuer_is_refused_with_the_remedy(string? text)
    {
        Issuer.TryParse(text, out var issuer, out var problem).ShouldBeFalse();
        issuer.ShouldBeNull();
        problem!.ShouldStartWith("An issuer ");
        Should.Throw<FormatException>(() => Issuer.Parse(text!)).Message.ShouldBe(problem);
    }

    // The parser of addresses takes it, and cannot write it in ASCII: no fault of ours may come of that.
    [Fact]
    public void A_host_that_has_no_form_in_ASCII_is_refused_too()
    {
        var host = string.Concat(Enumerable.Range(0xa1, 52).Select(letter => (char)letter));
        Issuer.TryParse($"https://{host}.example", out _, out var problem).ShouldBeFalse();
        problem.ShouldNotBeNull().ShouldStartWith("An issuer is written in ASCII");
    }

    [Fact]
    [Rfc("RFC 9207", "2.4")]
    public void Issuers_are_compared_to_the_character()
    {
        var issuer = Issuer.Parse("https://login.example");
        issuer.Equals(Issuer.Parse("https://login.example")).ShouldBeTrue();
        issuer.Equals((object)Issuer.Parse("https://login.example")).ShouldBeTrue();
        issuer.GetHashCode().ShouldBe(Issuer.Parse("https://login.example").GetHashCode());
        issuer.Equals(Issuer.Parse("https://login.example/")).ShouldBeFalse();
        issuer.Equals(Issuer.Parse("https://login.example/a")).ShouldBeFalse();
        issuer.Equals(null).ShouldBeFalse();
    }

    [Theory]
    [InlineData("https://login.example", "https://login.example", "", "https://login.example/token")]
    [InlineData("https://login.example/", "https://login.example", "", "https://login.example/token")]
    [InlineData("https://login.example:8443/a/b/", "https://login.example:8443", "/a/b", "https://login.example:8443/a/b/token")]
    [InlineData("http://[::1]:8080", "http://[::1]:8080", "", "http://[::1]:8080/token")]
    public void Endpoints_are_below_the_issuer(string text, string origin, string path, string endpoint)
    {
        var issuer = Issuer.Parse(text);
        (issuer.Origin, issuer.Path, issuer.Endpoint("/token")).ShouldBe((origin, path, endpoint));
    }
}

using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Keys that a client publishes are fetched, with care, and not too often.</summary>
public sealed class ClientKeysTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Fact]
    [Rfc("OpenID Connect Core", "10.1.1")]
    public async Task A_published_set_is_fetched_once_and_again_for_a_key_that_nobody_knows()
    {
        var (first, second) = (SigningKey.New(SignatureAlgorithm.ES256), SigningKey.New(SignatureAlgorithm.ES256));
        await using var host = await KeyHost.StartAsync(KeyClient.SetOf(first));
        var client = await AddAsync(host.Address) with { Key = first };
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => KeyClient.AskAsync(at.Server, client.Assertion(at.Server))));
        answers.ShouldAllBe(answer => answer.Status == HttpStatusCode.OK);
        host.Asked.ShouldBe(1, "any number of requests share one fetch");

        client = client with { Key = second };
        host.Publish(KeyClient.SetOf(second));
        (await KeyClient.AskAsync(at.Server, client.Assertion(at.Server))).Error.ShouldBe("invalid_client", "not more than once in half a minute");
        host.Asked.ShouldBe(1);
        at.Server.Time.Advance(ClientKeys.Pause);
        (await KeyClient.AskAsync(at.Server, client.Assertion(at.Server))).Status.ShouldBe(HttpStatusCode.OK);
        host.Asked.ShouldBe(2);
        for (var i = 0; i < 5; i++) (await KeyClient.AskAsync(at.Server, (client with { Key = SigningKey.New(SignatureAlgorithm.ES256) }).Assertion(at.Server))).Error.ShouldBe("invalid_client");
        host.Asked.ShouldBe(2, "invented key ids cause no further fetch");
        (await KeyClient.AskAsync(at.Server, client.Assertion(at.Server))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_last_good_set_serves_for_an_hour_while_its_host_is_away()
    {
        var key = SigningKey.New(SignatureAlgorithm.ES256);
        await using var host = await KeyHost.StartAsync(KeyClient.SetOf(key));
        var client = await AddAsync(host.Address) with { Key = key };
        (await KeyClient.AskAsync(at.Server, client.Assertion(at.Server))).Status.ShouldBe(HttpStatusCode.OK);
        host.Answer = context => Answer(context, 500, "");
        at.Server.Time.Advance(ClientKeys.FreshFor);
        (await KeyClient.AskAsync(at.Server, client.Assertion(at.Server))).Status.ShouldBe(HttpStatusCode.OK);
        host.Asked.ShouldBe(2);
        at.Server.Time.Advance(ClientKeys.GoodFor);
        (await KeyClient.AskAsync(at.Server, client.Assertion(at.Server))).Error.ShouldBe("invalid_client");
    }

    [Theory]
    [Assertion("RG-05")]
    [InlineData("redirect")]
    [InlineData("too long")]
    [InlineData("not found")]
    [InlineData("no set")]
    [InlineData("private")]
    [InlineData("compressed")]
    public async Task A_set_that_redirects_is_too_long_or_is_none_is_not_used(string what)
    {
        var key = SigningKey.New(SignatureAlgorithm.ES256);
        var set = KeyClient.SetOf(key);
        await using var target = await KeyHost.StartAsync(set);
        await using var host = await KeyHost.StartAsync(set);
        host.Answer = context => what switch
        {
            "redirect" => Redirect(context, target.Address),
            "too long" => Answer(context, 200, set + new string(' ', GuardedHttp.MaxLength)),
            "not found" => Answer(context, 404, set),
            "no set" => Answer(context, 200, "[]"),
            "private" => Answer(context, 200, set.Replace("\"kty\"", "\"d\":\"AAAA\",\"kty\"", StringComparison.Ordinal)),
            _ => Compressed(context, set),
        };
        var client = await AddAsync(host.Address) with { Key = key };
        (await KeyClient.AskAsync(at.Server, client.Assertion(at.Server))).Error.ShouldBe("invalid_client");
        (host.Asked, target.Asked).ShouldBe((1, 0));
    }

    [Theory]
    [Assertion("RG-05")]
    [Rfc("RFC 6890", "2.2.2")]
    [Rfc("RFC 6890", "2.2.3")]
    [InlineData("127.0.0.1")]
    [InlineData("127.1.2.3")]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("100.64.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.168.1.1")]
    [InlineData("192.0.0.1")]
    [InlineData("192.0.2.1")]
    [InlineData("198.18.0.1")]
    [InlineData("198.51.100.1")]
    [InlineData("203.0.113.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("::127.0.0.1")]
    [InlineData("64:ff9b::a00:1")]
    [InlineData("fe80::1")]
    [InlineData("fc00::1")]
    [InlineData("fd12::1")]
    [InlineData("ff02::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2001::1")]
    [InlineData("2002:7f00:1::")]
    [InlineData("3fff::1")]
    public void Addresses_of_this_machine_its_network_and_nobody_are_not_public(string address) => PublicAddress.IsPublic(IPAddress.Parse(address)).ShouldBeFalse();

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("172.32.0.1")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("2606:4700::1111")]
    [InlineData("2a00:1450::1")]
    public void Addresses_of_the_Internet_are_public(string address) => PublicAddress.IsPublic(IPAddress.Parse(address)).ShouldBeTrue();

    /// <summary>Each of these names a listener of the test, and none of them reaches it.</summary>
    [Theory]
    [Assertion("RG-05")]
    [InlineData("https://127.0.0.1:{0}/")]
    [InlineData("https://localhost:{0}/")]
    [InlineData("https://2130706433:{0}/")]
    [InlineData("https://0x7f000001:{0}/")]
    [InlineData("https://0177.0.0.1:{0}/")]
    [InlineData("https://127.1:{0}/")]
    [InlineData("https://0.0.0.0:{0}/")]
    [InlineData("https://[::1]:{0}/")]
    [InlineData("https://[::ffff:127.0.0.1]:{0}/")]
    [InlineData("http://127.0.0.1:{0}/")]
    public async Task A_public_server_connects_to_no_special_address_however_it_is_written(string format)
    {
        using var listener = new TcpListener(IPAddress.IPv6Any, 0);
        listener.Server.DualMode = true;
        listener.Start();
        using var http = new GuardedHttp(new ServerOptions { IssuerAddress = "https://login.example" });
        var address = new Uri(string.Format(System.Globalization.CultureInfo.InvariantCulture, format, ((IPEndPoint)listener.LocalEndpoint).Port));
        await Should.ThrowAsync<HttpRequestException>(() => http.GetAsync(address, TestContext.Current.CancellationToken));
        listener.Pending().ShouldBeFalse();
    }

    [Fact]
    [Assertion("RG-05")]
    public void A_connection_is_not_tried_longer_than_anybody_waits_for_it()
    {
        using var http = new GuardedHttp(new ServerOptions { IssuerAddress = "https://login.example" });
        using var handler = http.Handler();
        handler.ConnectTimeout.ShouldBe(GuardedHttp.Timeout);
    }

    [Theory]
    [Assertion("RG-05")]
    [InlineData("https://10.0.0.1/jwks")]
    [InlineData("https://[fd00::1]/jwks")]
    [InlineData("http://10.0.0.1/jwks")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    public async Task A_server_for_development_may_call_loopback_and_nothing_more(string address)
    {
        using var http = new GuardedHttp(new ServerOptions { IssuerAddress = "http://127.0.0.1:8080" });
        (await Should.ThrowAsync<HttpRequestException>(() => http.GetAsync(new Uri(address), TestContext.Current.CancellationToken))).ToString().ShouldContain("no address of the public Internet");
    }

    [Theory]
    [Assertion("RG-05")]
    [InlineData("http://app.example.com/jwks.json")]
    [InlineData("https://10.0.0.1/jwks.json")]
    [InlineData("https://169.254.169.254/jwks.json")]
    [InlineData("https://[fd00::1]/jwks.json")]
    [InlineData("https://user@app.example.com/jwks.json")]
    [InlineData("https://app.example.com/jwks.json#x")]
    [InlineData("file:///etc/passwd")]
    [InlineData("/jwks.json")]
    [InlineData("ftp://app.example.com/")]
    public void An_address_that_can_never_be_called_is_not_registered(string address) => Should.Throw<FormatException>(() => RegistrationRules.Check(
        new ClientRegistration { Name = "x", IsPublic = false, UsesClientCredentials = true, JwksUri = address }));

    private Task<KeyClient> AddAsync(string address) => KeyClient.AddAsync(at.Server, change: registration => registration with { Jwks = null, JwksUri = address });

    private static Task Answer(HttpContext context, int status, string json)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json);
    }

    private static Task Redirect(HttpContext context, string address)
    {
        context.Response.Redirect(address);
        return Task.CompletedTask;
    }

    private static async Task Compressed(HttpContext context, string json)
    {
        context.Response.Headers.ContentEncoding = "gzip";
        await using var zip = new System.IO.Compression.GZipStream(context.Response.Body, System.IO.Compression.CompressionLevel.Fastest);
        await zip.WriteAsync(System.Text.Encoding.UTF8.GetBytes(json));
    }
}

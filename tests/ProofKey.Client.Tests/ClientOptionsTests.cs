namespace ProofKey.Client.Tests;

public sealed class ClientOptionsTests
{
    private static ClientOptions Good => new() { Issuer = Issuer.Parse("https://login.example.com"), ClientId = "cli" };

    public static TheoryData<string, Func<ClientOptions, ClientOptions>> Wrong => new()
    {
        { "ClientId", options => options with { ClientId = "" } },
        { "ClientId", options => options with { ClientId = "naïve" } },
        { "Redirect.Path", options => options with { Redirect = new Redirect.LoopbackAnyPort { Path = "callback" } } },
        { "Redirect.Path", options => options with { Redirect = new Redirect.LoopbackAnyPort { Path = "/a b" } } },
        { "Redirect.Path", options => options with { Redirect = new Redirect.LoopbackAnyPort { Path = "//evil.example/" } } },
        { "Redirect.Path", options => options with { Redirect = new Redirect.LoopbackAnyPort { Path = "/callback?x" } } },
        { "Resource", options => options with { Resource = "api" } },
        { "Resource", options => options with { Resource = "https://api.example.com/#x" } },
        { "Resource", options => options with { Resource = "/orders" } },
        { "FurtherResources", options => options with { Resource = "https://api.example.com/", FurtherResources = ["//api.example.com/bills"] } },
        { "Timeout", options => options with { Timeout = TimeSpan.Zero } },
        { "Timeout", options => options with { Timeout = TimeSpan.FromDays(2) } },
        { "RequestTimeout", options => options with { RequestTimeout = TimeSpan.FromHours(1) } },
        { "FormPost", options => options with { Redirect = new Redirect.PrivateUse(RedirectUri.Parse("com.example.app:/callback")), ResponseMode = ResponseMode.FormPost } },
        { "Redirect.PrivateUse", options => options with { Redirect = new Redirect.PrivateUse(RedirectUri.Parse("https://app.example.com/")) } },
        { "Redirect.ClaimedHttps", options => options with { Redirect = new Redirect.ClaimedHttps(RedirectUri.Parse("com.example.app:/callback")) } },
        { "port", options => options with { Redirect = new Redirect.LoopbackPort(0) } },
        { "port", options => options with { Redirect = new Redirect.LoopbackPort(70_000) } },
        { "port", options => options with { Redirect = new Redirect.LoopbackPorts([]) } },
        { "port", options => options with { Redirect = new Redirect.LoopbackPorts([8000, -1]) } },
        { "Profile", options => options with { Profile = "" } },
        { "Profile", options => options with { Profile = "a\nb" } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_option_is_named_before_anything_is_sent(string option, Func<ClientOptions, ClientOptions> spoil) =>
        Should.Throw<ArgumentException>(() => new PublicClient(spoil(Good))).Message.ShouldContain(option);

    [Fact]
    public void A_person_has_five_minutes_and_a_request_half_of_one()
    {
        Good.Timeout.ShouldBe(TimeSpan.FromMinutes(5));
        Good.RequestTimeout.ShouldBe(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void All_problems_are_listed_at_once()
    {
        var message = Should.Throw<ArgumentException>(() => new PublicClient(Good with { ClientId = "", Timeout = TimeSpan.Zero, Redirect = new Redirect.LoopbackAnyPort { Path = "" } })).Message;

        foreach (var option in (string[])["ClientId", "Timeout", "Redirect.Path"]) message.ShouldContain(option);
    }

    [Theory]
    [InlineData("state")]
    [InlineData("nonce")]
    [InlineData("code_challenge")]
    [InlineData("code_challenge_method")]
    [InlineData("redirect_uri")]
    [InlineData("response_type")]
    [InlineData("client_secret")]
    [InlineData("Scope")]
    [InlineData("request_uri")]
    [Assertion("PK-22")]
    [Assertion("CL-10")]
    public void The_parameters_of_the_protocol_cannot_be_set_from_outside(string name) =>
        Should.Throw<ArgumentException>(() => new PublicClient(Good with { AdditionalParameters = new Dictionary<string, string> { [name] = "x" } })).Message.ShouldContain(name);

    [Fact]
    [Assertion("CL-11")]
    public void A_handler_that_follows_redirects_is_refused()
    {
        using var sockets = new SocketsHttpHandler();
        using var client = new HttpClientHandler();
        using var nested = new Nested(new Nested(new SocketsHttpHandler()));

        foreach (var handler in (HttpMessageHandler[])[sockets, client, nested])
            Should.Throw<ArgumentException>(() => new PublicClient(Good with { HttpMessageHandler = handler })).Message.ShouldContain("AllowAutoRedirect");
    }

    private sealed class Nested(HttpMessageHandler inner) : DelegatingHandler(inner);
}

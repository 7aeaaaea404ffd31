namespace ProofKey.Client.Tests;

/// <summary>Options that a program set to null, such as from a configuration that has them empty.</summary>
public sealed class NullOptionTests
{
    public static TheoryData<string, Func<ClientOptions, ClientOptions>> Nulls => new()
    {
        { "Issuer", options => options with { Issuer = null! } },
        { "ClientId", options => options with { ClientId = null! } },
        { "Scope", options => options with { Scope = null! } },
        { "FurtherResources", options => options with { FurtherResources = null! } },
        { "Redirect", options => options with { Redirect = null! } },
        { "Redirect", options => options with { Redirect = new Redirect.LoopbackAnyPort { Path = null! } } },
        { "Redirect", options => options with { Redirect = new Redirect.LoopbackPorts(null!) } },
        { "Redirect", options => options with { Redirect = new Redirect.PrivateUse(null!) } },
        { "Redirect", options => options with { Redirect = new Redirect.ClaimedHttps(null!) } },
        { "TimeProvider", options => options with { TimeProvider = null! } },
        { "Store", options => options with { Store = null! } },
        { "Profile", options => options with { Profile = null! } },
        { "AdditionalParameters", options => options with { AdditionalParameters = null! } },
        { "AdditionalParameters", options => options with { AdditionalParameters = new Dictionary<string, string> { ["prompt"] = null! } } },
    };

    [Theory]
    [MemberData(nameof(Nulls))]
    public void One_that_is_null_and_must_not_be_is_named(string option, Func<ClientOptions, ClientOptions> spoil)
    {
        var good = new ClientOptions { Issuer = Issuer.Parse("https://login.example.com"), ClientId = "cli" };

        Should.Throw<ArgumentException>(() => new PublicClient(spoil(good))).Message.ShouldContain(option);
    }
}

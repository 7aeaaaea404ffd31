using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Tests;

/// <summary>For whom a token is, as far as anybody can tell, beside the address that it goes to.</summary>
public sealed class AudienceTests
{
    [Theory]
    [Assertion("CL-20")]
    [InlineData("", "", null)]
    [InlineData("orders", "", null)]
    [InlineData("orders", "urn:example:orders", null)]
    [InlineData("https://api.example/", "", null)]
    [InlineData("https://API.example:443", "", null)]
    [InlineData("https://api.example/other", "", null)]
    [InlineData("https://api.example:8443/", "", "https://api.example:8443/")]
    [InlineData("http://api.example/", "", "http://api.example/")]
    [InlineData("https://api.example.evil.example/", "", "https://api.example.evil.example/")]
    [InlineData("", "https://api.example/v1", null)]
    [InlineData("", "https://api.example/v1/orders", null)]
    [InlineData("", "https://api.example/v", "https://api.example/v")]
    [InlineData("", "https://other.example/ https://api.example/", null)]
    [InlineData("", "urn:example:orders https://other.example/", "urn:example:orders")]
    [InlineData("orders", "https://other.example/", "https://other.example/")]
    [InlineData("https://other.example/", "https://api.example/", "https://other.example/")]
    [InlineData("https://other.example/ https://api.example/v1", "https://other.example/", null)]
    [InlineData("https://other.example/ https://api.example/v2", "https://other.example/", "https://other.example/")]
    public void What_the_token_says_and_what_the_profile_asked_for_are_compared_with_the_address(string said, string asked, string? elsewhere) =>
        Audience.Elsewhere(said.Split(' ', StringSplitOptions.RemoveEmptyEntries), asked.Split(' ', StringSplitOptions.RemoveEmptyEntries), new Uri("https://api.example/v1/orders?x=1")).ShouldBe(elsewhere);
}

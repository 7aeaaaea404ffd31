using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Tests;

/// <summary>A token goes to no API that it is not for without a word (RFC 9700 section 4.9.1), whatever the token looks like.</summary>
public sealed class CallAudienceTests : SignedInCli
{
    private const string Orders = "https://orders.example/";

    [Theory]
    [Assertion("CL-20")]
    [InlineData("""{"aud":["https://orders.example/","https://login.example/userinfo"]}""", "https://orders.example/ and https://login.example/userinfo")]
    [InlineData("""{"aud":["orders","https://orders.example/"]}""", "orders and https://orders.example/")]
    [InlineData("""{"aud":"https://orders.example/"}""", "https://orders.example/")]
    public async Task A_token_that_names_other_addresses_goes_with_a_warning(string claims, string audience)
    {
        await HoldAsync(claims);
        await using var api = await StartAsync();
        var called = await Cli.RunAsync("call", "GET", $"{api.Address}/orders?x=1");
        called.ShouldBe(new Outcome(0, "fine", $"The token is meant for {audience}, and goes to {api.Address}/orders.\n200 OK\n"));
    }

    [Fact]
    [Assertion("CL-20")]
    public async Task A_token_that_names_the_address_among_others_goes_without()
    {
        await using var api = await StartAsync();
        await HoldAsync($$"""{"aud":["https://orders.example/","{{api.Address}}/"]}""");
        (await Cli.RunAsync("call", "GET", $"{api.Address}/orders")).ShouldBe(new Outcome(0, "fine", "200 OK\n"));
    }

    [Fact]
    [Assertion("CL-20")]
    public async Task A_token_that_cannot_be_read_goes_elsewhere_than_to_the_APIs_of_its_profile_with_a_warning()
    {
        await using var api = await StartAsync();
        await ForAsync(Orders);
        (await Cli.RunAsync("call", "GET", $"{api.Address}/orders")).ShouldBe(new Outcome(0, "fine", $"The token is meant for {Orders}, and goes to {api.Address}/orders.\n200 OK\n"));

        await ForAsync($"{api.Address}/orders");
        (await Cli.RunAsync("call", "GET", $"{api.Address}/orders/7")).ShouldBe(new Outcome(0, "fine", "200 OK\n"));
        (await Cli.RunAsync("call", "GET", $"{api.Address}/invoices")).ShouldBe(new Outcome(0, "fine", $"The token is meant for {api.Address}/orders, and goes to {api.Address}/invoices.\n200 OK\n"));
    }

    private static Task<TestApi> StartAsync() => TestApi.StartAsync(context => context.Response.WriteAsync("fine"));

    private Task HoldAsync(string claims) => Cli.ChangeAsync("default", session => session with { AccessToken = $"e30.{Base64UrlText.Encode(Encoding.UTF8.GetBytes(claims))}.x" });

    // As it is after a sign-in with --resource at a server whose tokens only its APIs can read.
    private async Task ForAsync(string resource)
    {
        await Cli.ChangeAsync("default", session => session with { AccessToken = "opaque", Resource = resource });
        var file = Path.Combine(Path.GetDirectoryName(Cli.SessionFile)!, "profile.json");
        var profile = JsonSerializer.Deserialize(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), ProfileJson.Default.Profile)! with { Resources = [resource] };
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(profile, ProfileJson.Default.Profile), TestContext.Current.CancellationToken);
    }
}

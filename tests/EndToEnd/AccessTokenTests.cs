using System.Text.Json;
using ProofKey.Jose;

namespace EndToEnd;

/// <summary>What opens an API and what does not, with tokens that the real server has signed.</summary>
public sealed class AccessTokenTests(RunningServer server)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_access_token_for_this_audience_from_this_issuer_opens_the_api()
    {
        await using var api = await DemoApi.StartAsync(server.Issuer);
        var tokens = await SignInAsync(server, DemoApi.Audience);

        (await api.StatusForAsync(tokens.GetProperty("access_token").GetString()!, Cancellation)).ShouldBe(200);
    }

    [Fact]
    [Rfc("RFC 9068", "4")]
    [Assertion("RS-08")]
    public async Task An_id_token_does_not_open_the_api()
    {
        await using var api = await DemoApi.StartAsync(server.Issuer);
        var tokens = await SignInAsync(server, DemoApi.Audience);

        (await api.StatusForAsync(tokens.GetProperty("id_token").GetString()!, Cancellation)).ShouldBe(401);
    }

    [Fact]
    [Rfc("RFC 9068", "4")]
    [Assertion("RS-09")]
    public async Task A_token_for_another_audience_does_not_open_the_api()
    {
        await using var api = await DemoApi.StartAsync(server.Issuer);
        var tokens = await SignInAsync(server, "https://invoices.example");

        (await api.StatusForAsync(tokens.GetProperty("access_token").GetString()!, Cancellation)).ShouldBe(401);
    }

    [Fact]
    [Rfc("RFC 9068", "4")]
    [Assertion("RS-09")]
    public async Task A_token_of_another_issuer_does_not_open_the_api()
    {
        await using var other = new RunningServer();
        await other.InitializeAsync();
        await using var api = await DemoApi.StartAsync(server.Issuer);
        await using var theirs = await DemoApi.StartAsync(other.Issuer);
        var tokens = await SignInAsync(other, DemoApi.Audience);
        var accessToken = tokens.GetProperty("access_token").GetString()!;

        (await theirs.StatusForAsync(accessToken, Cancellation)).ShouldBe(200);
        (await api.StatusForAsync(accessToken, Cancellation)).ShouldBe(401);
    }

    [Fact]
    [Rfc("RFC 6750", "3")]
    [Assertion("RS-01")]
    public async Task A_call_without_a_token_is_told_how_to_come_back()
    {
        await using var api = await DemoApi.StartAsync(server.Issuer);
        using var http = new HttpClient();

        using var answer = await http.GetAsync(api.Orders, Cancellation);

        ((int)answer.StatusCode).ShouldBe(401);
        answer.Headers.WwwAuthenticate.Select(challenge => challenge.Scheme).ShouldBe(["Bearer", "DPoP"]);
        answer.Headers.WwwAuthenticate.ToString().ShouldNotContain("error");
    }

    [Fact]
    [Rfc("RFC 9449", "7.1")]
    [Rfc("RFC 9449", "7.2")]
    [Assertion("DP-03")]
    [Assertion("DP-07")]
    public async Task A_bound_token_opens_the_api_with_a_proof_of_its_key_once_for_each_proof()
    {
        await using var api = await DemoApi.StartAsync(server.Issuer);
        using var key = SigningKey.New(SignatureAlgorithm.ES256);
        using var thief = SigningKey.New(SignatureAlgorithm.ES256);
        var token = (await SignInAsync(server, DemoApi.Audience, key)).GetProperty("access_token").GetString()!;
        string Prove(SigningKey by) => Dpop.Prove(by, "GET", api.Orders, TimeProvider.System.GetUtcNow(), accessToken: token);
        var proof = Prove(key);

        (await api.StatusForAsync("DPoP", token, proof, Cancellation)).ShouldBe(200);
        (await api.StatusForAsync("DPoP", token, proof, Cancellation)).ShouldBe(401);
        (await api.StatusForAsync("DPoP", token, Prove(thief), Cancellation)).ShouldBe(401);
        (await api.StatusForAsync("Bearer", token, Prove(key), Cancellation)).ShouldBe(401);
        (await api.StatusForAsync(token, Cancellation)).ShouldBe(401);
        (await api.StatusForAsync("DPoP", token, Prove(key), Cancellation)).ShouldBe(200);
    }

    private static async Task<JsonElement> SignInAsync(RunningServer server, string audience, SigningKey? key = null)
    {
        const string RedirectUri = "https://your-app.example/callback";
        var client = await server.AddClientAsync("Orders", Cancellation, "--redirect-uri", RedirectUri, "--audience", audience);
        return await CodeFlow.SignInAsync(server.Issuer, client, RedirectUri, Cancellation, key);
    }
}

using System.Net;
using System.Text.Json;
using ProofKey.Jose;
using ProofKey.Server;

namespace ProofKey.Chaos;

/// <summary>Three servers behind a balancer are one authorization server: whatever one began, the next goes on with.</summary>
public sealed class ThreeServersTests(ThreeServers at) : IClassFixture<ThreeServers>
{
    [Fact]
    [Assertion("TK-09")]
    [Assertion("RT-03")]
    [Assertion("RT-11")]
    public Task Servers_that_are_restarted_one_after_the_other_lose_no_sign_in() => Rounds.RunAsync(async dice =>
    {
        using var crowd = new Crowd(at.Address, at.Operator, dice.Another());
        await crowd.WorkUntilAsync(500, at.RestartOneByOneAsync);
        await crowd.WorkUntilAsync(200, () => Task.CompletedTask);
        await crowd.SettleAsync();
        crowd.Lost.ShouldBeEmpty("nobody even had to ask twice");
    });

    [Fact]
    public Task A_server_that_dies_takes_no_sign_in_with_it() => Rounds.RunAsync(async dice =>
    {
        // Where no server is left to try, the balancer says so.
        using var crowd = new Crowd(at.Address, at.Operator, dice.Another()) { MayBeUnavailable = true };
        var server = at.Servers[dice.Below(at.Servers.Count)];
        await crowd.WorkUntilAsync(300 + dice.Below(300), server.KillAsync);
        await crowd.SignInSoonAfterAsync(() => crowd.WorkUntilAsync(200, () => Task.CompletedTask));
        await server.StartAsync();
        await crowd.SettleAsync();
    });

    [Fact]
    [Assertion("UI-10")]
    public async Task Wrong_passwords_are_counted_together()
    {
        await at.Operator.Registry.AddAccountAsync("bob", Operator.Password, null, isAdmin: false);
        using var browser = new Browser(at.Address);
        // Ten at all three, not at each of them.
        for (var tries = 0; tries < 10; tries++) (await browser.SignInAsync(at.Operator.Client, "bob", $"wrong password {tries}")).ShouldBeFalse();
        (await browser.SignInAsync(at.Operator.Client, "bob")).ShouldBeFalse("the tries are used up at every server");
    }

    [Fact]
    public async Task A_device_asks_one_server_its_person_answers_another_and_a_third_gives_the_tokens()
    {
        var person = await at.Operator.NewPersonAsync();
        using var device = new HttpClient();
        var asked = await PostAsync(device, "/device_authorization", [new("client_id", at.Operator.Client.Id), new("scope", "openid")]);
        using var browser = new Browser(at.Address, person.Cookie);
        var page = await browser.SubmitAsync(await browser.GetAsync("/device"), ("user_code", asked.GetProperty("user_code").GetString()!));
        page = await browser.SubmitAsync(page, ("decision", "allow"));
        page.StatusCode.ShouldBe(HttpStatusCode.OK);
        var tokens = await PostAsync(device, "/token", [new("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), new("client_id", at.Operator.Client.Id), new("device_code", asked.GetProperty("device_code").GetString()!)]);
        tokens.TryGetProperty("access_token", out _).ShouldBeTrue(tokens.ToString());
    }

    [Fact]
    public async Task A_nonce_of_one_server_is_good_at_the_others()
    {
        using var key = SigningKey.New(SignatureAlgorithm.ES256);
        using var http = new HttpClient();
        var nonce = await NonceAsync(http, at.Servers[0], key);
        foreach (var server in at.Servers) (await ProveAsync(http, server, Proof(key, nonce))).Error.ShouldBe("invalid_grant", "the proof was good, and only the refresh token was not");
    }

    [Fact]
    [Assertion("MD-08")]
    public async Task A_new_key_reaches_every_server_by_itself()
    {
        await at.Operator.Keys.RotateAsync(atOnce: false, TestContext.Current.CancellationToken);
        var next = (await at.Operator.Keys.ListAsync(TestContext.Current.CancellationToken)).Where(key => key is { Purpose: "sign", State: KeyState.Next }).Select(key => key.Id).ToList();
        next.ShouldNotBeEmpty();
        using var http = new HttpClient();
        foreach (var server in at.Servers)
            while (!next.All((await http.GetStringAsync(new Uri(server.Address + "/jwks"), TestContext.Current.CancellationToken)).Contains))
                await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, TestContext.Current.CancellationToken);
    }

    private async Task<JsonElement> PostAsync(HttpClient http, string path, IEnumerable<KeyValuePair<string, string>> fields)
    {
        using var form = new FormUrlEncodedContent(fields);
        using var response = await http.PostAsync(new Uri(at.Address + path), form);
        var body = await response.Content.ReadAsStringAsync();
        SuiteWitness.OfThisSuite.Heard(body);
        return JsonDocument.Parse(body).RootElement.Clone();
    }

    private string Proof(SigningKey key, string? nonce) => Dpop.Prove(key, "POST", new Uri(at.Address + "/token"), TimeProvider.System.GetUtcNow(), nonce);

    private async Task<string> NonceAsync(HttpClient http, ServerProcess server, SigningKey key)
    {
        var refused = await ProveAsync(http, server, Proof(key, null));
        refused.Error.ShouldBe("use_dpop_nonce");
        return refused.Nonce.ShouldNotBeNull();
    }

    private async Task<(string? Error, string? Nonce)> ProveAsync(HttpClient http, ServerProcess server, string proof)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, server.Address + "/token")
        {
            Content = new FormUrlEncodedContent([new("grant_type", "refresh_token"), new("client_id", at.Operator.Client.Id), new("refresh_token", "pkr_x")]),
        };
        request.Headers.Add("DPoP", proof);
        using var response = await http.SendAsync(request);
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return (body.RootElement.GetProperty("error").GetString(), response.Headers.TryGetValues("DPoP-Nonce", out var nonces) ? nonces.Single() : null);
    }
}

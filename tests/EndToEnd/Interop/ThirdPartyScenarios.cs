using System.Text.Json;

namespace EndToEnd.Interop;

/// <summary>What the tests with clients of others have in common.</summary>
public abstract class ThirdPartyScenarios(RunningServer server, string script)
{
    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected RunningServer Server { get; } = server;

    /// <summary>Runs a scenario with a public client and a person who agrees to everything.</summary>
    protected async Task<JsonElement> RunAsync(string scenario, string[]? options = null, string decision = "allow", params (string Name, string Value)[] settings)
    {
        var client = await Server.AddClientAsync($"Interop {scenario}", Cancellation, ["--redirect-uri", ThirdPartyClient.RedirectUri, .. options ?? []]);
        return await RunAsync(scenario, [("CLIENT_ID", client), .. settings], decision);
    }

    /// <summary>Runs a scenario with a client that has a secret.</summary>
    protected async Task<JsonElement> RunConfidentialAsync(string scenario, string[]? options = null, params (string Name, string Value)[] settings)
    {
        var (client, secret) = await Server.AddConfidentialClientAsync($"Interop {scenario}", Cancellation, ["--redirect-uri", ThirdPartyClient.RedirectUri, .. options ?? []]);
        return await RunAsync(scenario, [("CLIENT_ID", client), ("CLIENT_SECRET", secret), .. settings]);
    }

    /// <summary>Runs a scenario with a client that signs instead of knowing a secret.</summary>
    protected async Task<JsonElement> RunWithKeyAsync(string scenario, string[] options, params (string Name, string Value)[] settings)
    {
        var json = await Server.OperateAsync(Cancellation, ["client", "add", $"Interop {scenario}", "--confidential", "--json", "--redirect-uri", ThirdPartyClient.RedirectUri, .. options]);
        using var client = JsonDocument.Parse(json);
        return await RunAsync(scenario, [("CLIENT_ID", client.RootElement.GetProperty("client_id").GetString()!), .. settings]);
    }

    private async Task<JsonElement> RunAsync(string scenario, (string Name, string Value)[] settings, string decision = "allow")
    {
        using var person = new Person { Decision = decision };
        var variables = new Dictionary<string, string> { ["ISSUER"] = Server.Issuer, ["REDIRECT_URI"] = ThirdPartyClient.RedirectUri, ["POST_LOGOUT_REDIRECT_URI"] = ThirdPartyClient.PostLogoutRedirectUri };
        foreach (var (name, value) in settings)
            variables[name] = value;
        return await ThirdPartyClient.RunAsync(script, scenario, variables, address => person.BrowseAsync(address, Cancellation), Cancellation);
    }

    /// <summary>Compares a result with the one that is expected, written as JSON.</summary>
    protected static void ShouldBe(JsonElement result, string expected) => JsonSerializer.Serialize(result).ShouldBe(JsonSerializer.Serialize(JsonDocument.Parse(expected).RootElement));
}

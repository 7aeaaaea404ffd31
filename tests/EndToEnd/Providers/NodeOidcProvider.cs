using EndToEnd.Interop;

namespace EndToEnd.Providers;

/// <summary>node-oidc-provider, from npm: pushed requests, proofs of possession with nonces, devices, rotation, revocation.</summary>
public sealed class NodeOidcProvider : ForeignProvider
{
    /// <summary>Says how long answers with tokens are held from now on: what they answer has been done then.</summary>
    public Task HoldAnswersAsync(int milliseconds, CancellationToken cancellation) => SayAsync($"hold {milliseconds}", cancellation);

    /// <summary>How many grants of a type were refused so far.</summary>
    public int Refusals(string type) => Count($"REFUSED {type}");

    protected override Task<ChildProcess> StartAsync(CancellationToken cancellation)
    {
        _ = ThirdPartyClient.NodeModules;
        return Task.FromResult(ChildProcess.Start(
            "node", [Path.Combine(AppContext.BaseDirectory, "Providers", "oidc-provider.mjs")],
            new Dictionary<string, string> { ["ISSUER"] = Issuer, ["PORT"] = $"{Port}" }));
    }
}

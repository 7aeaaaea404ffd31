using System.Text.Json;

namespace ProofKey.Cli.Sessions;

/// <summary>What kubectl tells its plug-in in <c>KUBERNETES_EXEC_INFO</c> (Kubernetes, client-go credential plugins).</summary>
/// <param name="ApiVersion">The form of the answer.</param>
/// <param name="MayAsk">Whether a person is there.</param>
internal sealed record KubernetesRequest(string ApiVersion, bool MayAsk)
{
    public const string Variable = "KUBERNETES_EXEC_INFO";

    private const string Newest = "client.authentication.k8s.io/v1";
    private const string Older = "client.authentication.k8s.io/v1beta1";

    /// <summary>Reads the variable; without it the newest form is meant.</summary>
    /// <exception cref="CommandException">It asks for a form that is not known here.</exception>
    public static KubernetesRequest Of(string? variable)
    {
        if (string.IsNullOrEmpty(variable)) return new KubernetesRequest(Newest, MayAsk: true);
        try
        {
            using var json = JsonDocument.Parse(variable);
            var version = json.RootElement.GetProperty("apiVersion").GetString();
            var mayAsk = !json.RootElement.TryGetProperty("spec", out var spec) || !spec.TryGetProperty("interactive", out var interactive) || interactive.ValueKind != JsonValueKind.False;
            return version is Newest or Older ? new KubernetesRequest(version, mayAsk) : throw Wrong($"asks for {version}");
        }
        catch (Exception wrong) when (wrong is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw Wrong("is not an ExecCredential");
        }
    }

    private static CommandException Wrong(string how) => CommandException.Usage($"{Variable} {how}.", $"Write apiVersion: {Newest} into the exec section of the kubeconfig.");
}

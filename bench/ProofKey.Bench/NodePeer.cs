using System.Diagnostics;

namespace ProofKey.Bench;

/// <summary>node-oidc-provider with the adapters beside its script in bench/peers: what it stores has reached the disk before it answers, as with us.</summary>
internal static class NodePeer
{
    /// <summary>The client that the script registers.</summary>
    /// <param name="signsAccessTokens">Whether access tokens are JWTs as ours are, or rows, which is how it comes.</param>
    public static LoadClient Client(bool signsAccessTokens) =>
        new("bench", ProofKeyProgram.RedirectUri, "openid profile", Rotates: true, signsAccessTokens ? "https://api.bench.example" : null);

    public static async Task<ServerProcess> ServeAsync(string? sqliteFile, PostgresCluster? cluster, bool signsAccessTokens)
    {
        var folder = Folder();
        var port = ServerProcess.FreePort();
        var issuer = $"http://127.0.0.1:{port}";
        var command = new ProcessStartInfo("node", ["provider.js"]) { WorkingDirectory = folder };
        command.Environment["NODE_ENV"] = "production";
        command.Environment["ISSUER"] = issuer;
        command.Environment["PORT"] = $"{port}";
        command.Environment["REDIRECT_URI"] = ProofKeyProgram.RedirectUri;
        command.Environment["ACCESS_TOKENS"] = signsAccessTokens ? "jwt" : "opaque";
        if (sqliteFile is not null) command.Environment["SQLITE_FILE"] = sqliteFile;
        if (cluster is not null) (command.Environment["PGHOST"], command.Environment["PGUSER"], command.Environment["PGDATABASE"]) = (cluster.Host, PostgresCluster.User, PostgresCluster.Database);
        return await ServerProcess.StartAsync(command, issuer);
    }

    private static string Folder()
    {
        var peer = Path.Combine(SourceTree.Root(), "bench", "peers", "node-oidc-provider");
        return Directory.Exists(Path.Combine(peer, "node_modules", "oidc-provider")) ? peer : throw new InvalidOperationException($"The peer is not installed: (cd {peer} && npm ci)");
    }
}

using ProofKey.Cli.Hosting;
using ProofKey.Tests.PostgreSql;

namespace ProofKey.Chaos.Support;

/// <summary>Where servers keep their rows and find their root key: all of it in a folder, or the rows in PostgreSQL.</summary>
/// <param name="connectionString">Says where PostgreSQL is; <see langword="null"/> for the embedded database.</param>
internal sealed class ServerData(string? connectionString = null) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("proofkey-chaos-");

    /// <summary>An empty place in a database of a kind.</summary>
    public static async Task<ServerData> NewAsync(string database) => new(database == "SQLite" ? null : await PostgreSqlCluster.NewDatabaseAsync());

    /// <summary>The options that lead a server there.</summary>
    public IReadOnlyList<string> Options => connectionString is null ? ["--data", _folder.FullName] : ["--database", connectionString, "--root-key-file", RootKey];

    /// <summary>A file beside the rows.</summary>
    public string FileOf(string name) => Path.Combine(_folder.FullName, name);

    private string RootKey => Path.Combine(_folder.FullName, "root.key");

    public DataPlace Open()
    {
        if (connectionString is null) return DataFolder.Open(_folder.FullName);
        if (!File.Exists(RootKey)) File.WriteAllBytes(RootKey, Secret.NewBytes(32));
        return PostgreSqlPlace.Of(connectionString, File.ReadAllBytes(RootKey));
    }

    public void Dispose() => _folder.Delete(recursive: true);
}

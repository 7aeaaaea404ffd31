namespace ProofKey.Client.Tests;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("proofkey-client-").FullName;

    public string SessionFile => System.IO.Path.Combine(Path, "data", "sessions.json");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

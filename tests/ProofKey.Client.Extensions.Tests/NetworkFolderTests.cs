namespace ProofKey.Client.Extensions.Tests;

/// <summary>A folder that other machines may have too is a matter for whoever reads the log.</summary>
public sealed class NetworkFolderTests
{
    [Fact]
    public async Task A_session_that_is_kept_on_a_network_disk_is_a_warning()
    {
        await using var app = await SignedInApp.StartAsync();

        // No machine that runs these tests has such a disk.
        app.Client.Options.OnEvent!(new ClientEvent.FolderOnNetwork("nfs"));

        app.Lines.ShouldContain(line => line.StartsWith("Warning ProofKey.Client: contoso: the session is kept on nfs;"));
    }
}

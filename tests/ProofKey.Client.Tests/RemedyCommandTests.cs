namespace ProofKey.Client.Tests;

/// <summary>Commands that a message has a person copy: a path in them is one word, whatever is in it.</summary>
public sealed class RemedyCommandTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_one_that_makes_a_key_file()
    {
        using var folder = new TemporaryFolder();
        var store = TokenStore.EncryptedFile(folder.Path, VaultKey.OfFile(Path.Combine(folder.Path, "no key; touch it's")));

        var missing = await Should.ThrowAsync<TokenStoreException>(() => store.ProbeAsync("default", Cancel));

        missing.Remedy.ShouldBe($"Make one with: (umask 077; head -c 32 /dev/urandom > '{folder.Path}/no key; touch it'\\''s')");
    }

    [Fact]
    public async Task The_one_that_takes_a_folder_from_others()
    {
        using var folder = new TemporaryFolder();
        var inside = Directory.CreateDirectory(Path.Combine(folder.Path, "a folder; touch it")).FullName;
        File.SetUnixFileMode(inside, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherWrite);
        var store = TokenStore.EncryptedFile(inside, VaultKey.OfPassphrase("correct horse battery staple"));

        var exposed = await Should.ThrowAsync<TokenStoreException>(() => store.ProbeAsync("default", Cancel));

        exposed.Remedy.ShouldContain($"chmod go-w '{inside}'");
    }
}

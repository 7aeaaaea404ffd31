namespace ProofKey.Cli.Tests;

/// <summary>What <c>store move</c> says where it was not told enough: the options that it names are those that help.</summary>
public sealed class StoreMoveTests : SignedInCli
{
    [Fact]
    public async Task Without_a_new_key_the_options_of_the_new_key_are_named()
    {
        (await Cli.RunAsync("store", "move", "--to", "file")).ShouldBeFailure(2, "needs a key", "Give --to-key-file FILE or --to-passphrase-file FILE");
        (await Cli.RunAsync("store", "move", "--to", "file", "--to-key-file", Cli.WriteKey("new.key"))).ExitCode.ShouldBe(0);
        (await Cli.OutputOfAsync("token", "--key-file", Cli.PathOf("new.key"))).ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("bogus")]
    [InlineData("memory")]
    public async Task Only_what_a_session_can_be_moved_to_is_offered(string kind) =>
        (await Cli.RunAsync("store", "move", "--to", kind)).ShouldBeFailure(2, $"--to is not {kind}.", "Choose keychain or file.");
}

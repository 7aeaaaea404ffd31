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

    [Fact]
    public async Task A_move_that_was_cut_off_before_the_profile_knew_of_it_is_finished_when_it_is_repeated()
    {
        var settings = Path.Combine(Path.GetDirectoryName(Cli.SessionFile)!, "profile.json");
        var before = await File.ReadAllTextAsync(settings, TestContext.Current.CancellationToken);
        Cli.Environment["PROOFKEY_STORE"] = Cli.Environment["PROOFKEY_KEY_FILE"] = null;
        string[] move = ["store", "move", "--to", "file", "--to-key-file", Cli.WriteKey("new.key")];
        (await Cli.RunAsync(move)).ExitCode.ShouldBe(0);
        await File.WriteAllTextAsync(settings, before, TestContext.Current.CancellationToken);
        (await Cli.RunAsync("token")).ShouldBeFailure(8, "another key");

        (await Cli.RunAsync(move)).Errors.ShouldContain("is kept with its new key");
        (await Cli.OutputOfAsync("token")).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task So_is_one_from_a_key_to_a_passphrase_and_from_one_passphrase_to_another()
    {
        string[] passphrases = ["five words make a key", "five other words or so"];
        foreach (var passphrase in passphrases) SuiteWitness.OfThisSuite.Secret("passphrase", passphrase);
        var settings = Path.Combine(Path.GetDirectoryName(Cli.SessionFile)!, "profile.json");
        Cli.Environment["PROOFKEY_STORE"] = Cli.Environment["PROOFKEY_KEY_FILE"] = null;
        foreach (var passphrase in passphrases)
        {
            var file = Cli.Write(passphrase.Split(' ')[1], passphrase + "\n");
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            var before = await File.ReadAllTextAsync(settings, TestContext.Current.CancellationToken);
            string[] move = ["store", "move", "--to", "file", "--to-passphrase-file", file];
            (await Cli.RunAsync(move)).ExitCode.ShouldBe(0);
            await File.WriteAllTextAsync(settings, before, TestContext.Current.CancellationToken);

            (await Cli.RunAsync([.. move, "--no-input"])).Errors.ShouldContain("is kept with its new key");
            (await Cli.OutputOfAsync("token")).ShouldNotBeEmpty();
        }

        await using var typed = Cli.StartOnTerminal("store move --to file");
        await typed.OutputUntilAsync(new("New passphrase of the session, at least 12 characters: "));
        await typed.TypeAsync(passphrases[0] + "\r");
        await typed.OutputUntilAsync(new("Once more: "));
        await typed.TypeAsync(passphrases[0] + "\r");
        (await typed.EndAsync()).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task A_move_to_where_it_is_changes_nothing_and_says_so()
    {
        const string passphrase = "five words make a key";
        SuiteWitness.OfThisSuite.Secret("passphrase", passphrase);
        Cli.Environment["PROOFKEY_STORE"] = Cli.Environment["PROOFKEY_KEY_FILE"] = null;
        await using (var typed = Cli.StartOnTerminal($"store move --to file --key-file {Cli.PathOf("session.key")}"))
        {
            await typed.OutputUntilAsync(new("New passphrase of the session, at least 12 characters: "));
            await typed.TypeAsync(passphrase + "\r");
            await typed.OutputUntilAsync(new("Once more: "));
            await typed.TypeAsync(passphrase + "\r");
            (await typed.EndAsync()).ExitCode.ShouldBe(0);
        }
        Cli.Environment["PROOFKEY_PASSPHRASE"] = passphrase;
        var before = await File.ReadAllBytesAsync(Cli.SessionFile, TestContext.Current.CancellationToken);

        // Whoever wants another passphrase must not think that it is done.
        (await Cli.RunAsync("store", "move", "--to", "file")).Errors.ShouldContain("is kept that way already; nothing was changed. For another passphrase, name its file with --to-passphrase-file.");

        (await File.ReadAllBytesAsync(Cli.SessionFile, TestContext.Current.CancellationToken)).ShouldBe(before);
    }

    [Fact]
    public async Task Where_nothing_is_kept_the_next_sign_in_is_kept_as_was_said()
    {
        await using (var login = Cli.Start("login", Server.Issuer, "--client-id", await Server.AddClientAsync(), "--no-browser", "-p", "short", "--store", "memory"))
        {
            using var browser = new ScriptedBrowser();
            await browser.SignInAsync(login);
            (await login.EndAsync()).ExitCode.ShouldBe(0);
        }
        Cli.Environment["PROOFKEY_STORE"] = Cli.Environment["PROOFKEY_KEY_FILE"] = null;

        (await Cli.RunAsync("store", "move", "--to", "file", "--to-key-file", Cli.PathOf("session.key"), "-p", "short")).Errors.ShouldContain("Profile short has no session; the next sign-in is kept that way.");

        await LoginAsync("-p", "short");
        (await Cli.OutputOfAsync("token", "-p", "short")).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_key_that_opens_nothing_is_told_as_before()
    {
        Cli.Environment["PROOFKEY_KEY_FILE"] = Cli.WriteKey("other.key");
        (await Cli.RunAsync("store", "move", "--to", "file", "--to-key-file", Cli.WriteKey("new.key"))).ShouldBeFailure(8, "other.key holds another key");
        (await Cli.OutputOfAsync("token", "--key-file", Cli.PathOf("session.key"))).ShouldNotBeEmpty();
    }
}

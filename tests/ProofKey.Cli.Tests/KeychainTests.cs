using ProofKey.Tests.Keyrings;

namespace ProofKey.Cli.Tests;

/// <summary>Sessions whose key is in the keyring of a desktop: gnome-keyring, through libsecret, under <c>dbus-run-session</c>.</summary>
public sealed class KeychainTests : IAsyncLifetime
{
    private readonly Cli _cli = new();
    private TestServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Sessions => Path.Combine(_cli.PathOf("state"), "proofkey", "sessions");

    public async ValueTask InitializeAsync()
    {
        _cli.Environment["PROOFKEY_STORE"] = null;
        _cli.Environment["PROOFKEY_KEY_FILE"] = null;
        _server = await TestServer.StartAsync(_cli);
        await _server.AddAliceAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    [Fact]
    [Assertion("CL-12")]
    public async Task A_session_is_kept_with_one_key_for_all_profiles_and_is_there_again_in_the_next_desktop_session()
    {
        await using (await OpenAsync())
        {
            await LoginAsync();
            await LoginAsync("-p", "work");
            (await _cli.OutputOfAsync("list")).ShouldMatch("(?s)default.*signed in.*work.*signed in");
        }
        (await _cli.RunAsync("token")).ShouldBeFailure(8, "keychain");
        (await _cli.RunAsync("doctor")).Output.ShouldContain("✗ store");
        await using (await OpenAsync())
        {
            (await _cli.OutputOfAsync("doctor")).ShouldContain("✓ store           The keychain is open");
            (await _cli.OutputOfAsync("doctor", "-p", "play")).ShouldContain("✓ store           The keychain is open");
            (await _cli.OutputOfAsync("token")).ShouldNotBeEmpty();
            (await _cli.OutputOfAsync("whoami", "-p", "work")).ShouldContain("alice");
        }
        _cli.StoreOf("default").BackendOf("default").ShouldBe("keychain");
        KeyIdOf("work").ShouldBe(KeyIdOf("default"));
        (await File.ReadAllTextAsync(Path.Combine(Sessions, "default", "profile.json"), Cancellation)).ShouldContain("\"store\": \"keychain\"");
    }

    [Fact]
    [Assertion("RT-16")]
    public async Task A_locked_keyring_is_not_signed_out_opens_no_browser_and_loses_nothing()
    {
        await using (await OpenAsync()) await LoginAsync();
        var vault = await File.ReadAllBytesAsync(_cli.SessionFile, Cancellation);

        await using (await OpenAsync("another password"))
        {
            (await _cli.RunAsync("token")).ShouldBeFailure(8, "locked", "nobody was signed out");
            (await _cli.RunAsync("whoami")).ShouldBeFailure(8, "locked");
            (await _cli.RunAsync("logout")).ShouldBeFailure(8, "locked");
            var interactive = await _cli.RunAsync("token", "--interactive");
            interactive.ShouldBeFailure(8, "locked");
            interactive.Errors.ShouldNotContain("/authorize");
            var login = await _cli.RunAsync("login", "--no-browser");
            login.ShouldBeFailure(8, "locked");
            login.Errors.ShouldNotContain("/authorize");
            (await _cli.OutputOfAsync("list")).ShouldContain("locked");
        }

        (await File.ReadAllBytesAsync(_cli.SessionFile, Cancellation)).ShouldBe(vault);
        await using (await OpenAsync()) (await _cli.OutputOfAsync("token")).ShouldNotBeEmpty();
    }

    [Fact]
    [Assertion("CL-12")]
    public async Task Where_there_is_no_keyring_a_sign_in_says_so_before_a_browser_opens_and_writes_nothing()
    {
        string[] login = ["login", _server.Issuer, "--client-id", await _server.AddClientAsync(), "--no-browser"];

        var withoutBus = await _cli.RunAsync(login);
        withoutBus.ShouldBeFailure(8, "keychain", "gnome-keyring", "--store file");
        withoutBus.Errors.ShouldNotContain("/authorize");
        await using (var bus = await Keyring.StartWithoutAsync(_cli.PathOf("keyring")))
        {
            _cli.Environment["DBUS_SESSION_BUS_ADDRESS"] = bus.Address;
            var withoutKeyring = await _cli.RunAsync(login);
            withoutKeyring.ShouldBeFailure(8, "keychain", "gnome-keyring", "--store file");
            withoutKeyring.Errors.ShouldNotContain("/authorize");
        }

        Directory.EnumerateFiles(Sessions, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    [Assertion("RT-16")]
    public async Task A_keyring_that_is_killed_in_between_costs_no_session()
    {
        await using (var keyring = await OpenAsync())
        {
            await LoginAsync();
            var vault = await File.ReadAllBytesAsync(_cli.SessionFile, Cancellation);
            keyring.Signal("KILL");
            var away = await _cli.RunAsync("token");
            away.ShouldBeFailure(8, "keychain", "use another profile");
            away.Errors.ShouldNotContain("--store file", Case.Sensitive, "the session that is there needs the key that it has");
            (await _cli.RunAsync("token", "--interactive")).ShouldBeFailure(8, "keychain");
            (await File.ReadAllBytesAsync(_cli.SessionFile, Cancellation)).ShouldBe(vault);
        }
        await using (await OpenAsync()) (await _cli.OutputOfAsync("token")).ShouldNotBeEmpty();
    }

    [Fact]
    [Assertion("RT-16")]
    public async Task A_keyring_that_hangs_is_given_up_after_half_a_minute_and_counts_as_locked()
    {
        await using var keyring = await OpenAsync();
        await LoginAsync();
        keyring.Signal("STOP");

        (await _cli.RunAsync("token")).ShouldBeFailure(8, "did not answer", "nobody was signed out");

        keyring.Signal("CONT");
        (await _cli.OutputOfAsync("token")).ShouldNotBeEmpty();
    }

    [Fact]
    [Assertion("CL-12")]
    public async Task A_keyring_that_has_lost_the_key_gets_no_new_one_over_a_session_that_is_there()
    {
        await using (await OpenAsync()) await LoginAsync();
        var vault = await File.ReadAllBytesAsync(_cli.SessionFile, Cancellation);
        Directory.Delete(Path.Combine(_cli.PathOf("keyring"), "share", "keyrings"), recursive: true);

        await using (await OpenAsync())
        {
            (await _cli.RunAsync("token")).ShouldBeFailure(8, "has no key of proofkey", "Restore the keychain");
            (await _cli.RunAsync("login", "--no-browser")).ShouldBeFailure(8, "has no key of proofkey");
            (await File.ReadAllBytesAsync(_cli.SessionFile, Cancellation)).ShouldBe(vault);
            File.Delete(_cli.SessionFile);
            await LoginAsync();
            (await _cli.OutputOfAsync("token")).ShouldNotBeEmpty();
        }
    }

    [Fact]
    public async Task A_session_moves_from_the_keychain_to_a_key_file_and_back_and_changes_its_place_by_no_other_way()
    {
        await using var keyring = await OpenAsync();
        await LoginAsync();
        var key = _cli.WriteKey("mine.key");
        (await _cli.RunAsync("token", "--store", "file", "--key-file", key)).ShouldBeFailure(8, "its key is in the keychain", "proofkey store move");
        (await _cli.RunAsync("token", "--key-file", key)).ShouldBeFailure(8, "its key is in the keychain", "proofkey store move");

        (await _cli.RunAsync("store", "move", "--to", "file", "--to-key-file", key)).ExitCode.ShouldBe(0);
        keyring.Signal("KILL");
        (await _cli.OutputOfAsync("token")).ShouldNotBeEmpty();
        (await _cli.RunAsync("token", "--store", "keychain")).ShouldBeFailure(8, "its key is in a key file", "proofkey store move");
        await using var again = await OpenAsync();
        (await _cli.RunAsync("store", "move", "--to", "keychain")).ExitCode.ShouldBe(0);
        File.Delete(key);
        (await _cli.OutputOfAsync("token")).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_move_that_was_cut_off_is_finished_when_it_is_repeated_whichever_way_it_went()
    {
        await using var keyring = await OpenAsync();
        await LoginAsync();
        var (key, settings) = (_cli.WriteKey("mine.key"), Path.Combine(Sessions, "default", "profile.json"));
        foreach (var move in (string[][])[["store", "move", "--to", "file", "--to-key-file", key], ["store", "move", "--to", "keychain"]])
        {
            var before = await File.ReadAllTextAsync(settings, Cancellation);
            (await _cli.RunAsync(move)).ExitCode.ShouldBe(0);
            await File.WriteAllTextAsync(settings, before, Cancellation);

            (await _cli.RunAsync(move)).Errors.ShouldContain("is kept with its new key");
            (await _cli.OutputOfAsync("token")).ShouldNotBeEmpty();
        }
    }

    private string KeyIdOf(string profile)
    {
        using var vault = new Client.SessionVault(_cli.StoreOf(profile), profile);
        return vault.Header()!.KeyId;
    }

    private async Task<Keyring> OpenAsync(string password = Keyring.Password)
    {
        var keyring = await Keyring.StartAsync(_cli.PathOf("keyring"), password);
        _cli.Environment["DBUS_SESSION_BUS_ADDRESS"] = keyring.Address;
        return keyring;
    }

    private async Task LoginAsync(params string[] options)
    {
        await using var login = _cli.Start(["login", _server.Issuer, "--client-id", await _server.AddClientAsync(), "--no-browser", .. options]);
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        var outcome = await login.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
    }
}

using System.Text;

namespace ProofKey.Client.Tests;

/// <summary>What holds the key of a vault, and what is said where it is not to be had.</summary>
public sealed class TokenStoreTests
{
    private const string Passphrase = "five words make a key";

    public TokenStoreTests() => SuiteWitness.OfThisSuite.Secret("passphrase", Passphrase);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("CL-12")]
    public async Task Nothing_of_a_session_can_be_read_in_its_file()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder.Store);

        var file = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(folder.Vault, Cancel));
        foreach (var secret in server.Secrets) file.ShouldNotContain(secret);
        foreach (var word in new[] { "alice", ScriptedServer.ClientId, server.Issuer.Value, "openid" }) file.ShouldNotContain(word);
        folder.Content().ShouldContain("alice", Case.Sensitive, "it is there once it is opened");
    }

    [Fact]
    [Assertion("CL-12")]
    public void Unless_a_store_is_named_nothing_is_written() => new ClientOptions { Issuer = Issuer.Parse("https://a.example"), ClientId = "cli" }.Store.ShouldBe(TokenStore.InMemory);

    [Fact]
    public async Task A_passphrase_opens_what_it_sealed_and_another_one_is_told_from_a_damaged_file()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        var store = Store(folder, VaultKey.OfPassphrase(Passphrase));
        await SignInAsync(server, store);

        (await Store(folder, VaultKey.OfPassphrase(Passphrase)).ListAsync(Cancel)).ShouldHaveSingleItem().Subject.ShouldBe("alice");
        (await ProblemOfAsync(Store(folder, VaultKey.OfPassphrase("five other words or so")))).State.ShouldBe(TokenStoreState.WrongKey);
        store.BackendOf("default").ShouldBe("passphrase");
    }

    [Fact]
    public async Task A_passphrase_makes_one_key_for_all_files_that_it_seals()
    {
        using var folder = new TemporaryFolder();
        var key = VaultKey.OfPassphrase(Passphrase);

        var (first, firstKey) = await key.NewAsync("a", Cancel);
        var (second, secondKey) = await key.NewAsync("b", Cancel);

        // It takes a tenth of a second of the processor, on purpose.
        (second, ReferenceEquals(firstKey, secondKey)).ShouldBe((first, true));
        ReferenceEquals(await key.OpenAsync(first, "a", Cancel), firstKey).ShouldBeTrue();
        (await VaultKey.OfPassphrase(Passphrase).NewAsync("a", Cancel)).Header.Salt.ShouldNotBe(first.Salt);
    }

    [Fact]
    public void A_short_passphrase_is_refused() => Should.Throw<ArgumentException>(() => VaultKey.OfPassphrase("elevenchars")).Message.ShouldContain("12 characters");

    [Theory]
    [InlineData("\"rounds\":600000", "\"rounds\":100000")]
    [InlineData("\"rounds\":600000", "\"rounds\":2000000000")]
    [InlineData("\"salt\":", "\"sold\":")]
    public async Task A_header_that_asks_for_a_weak_or_an_endless_derivation_is_refused(string written, string changed)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        var store = Store(folder, VaultKey.OfPassphrase(Passphrase));
        await SignInAsync(server, store);
        var file = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(folder.Vault, Cancel));
        var forged = Encoding.Latin1.GetBytes(file.Replace(written, changed, StringComparison.Ordinal));
        forged[10] = (byte)(forged[10] + changed.Length - written.Length);
        await File.WriteAllBytesAsync(folder.Vault, forged, Cancel);

        (await ProblemOfAsync(Store(folder, VaultKey.OfPassphrase(Passphrase)))).State.ShouldBe(TokenStoreState.Damaged);
    }

    [Fact]
    public async Task A_key_file_must_be_there_be_whole_be_the_right_one_and_be_its_owners_alone()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder.Store);
        var other = Path.Combine(folder.Path, "other");
        TemporaryFolder.WriteKey(other);

        (await ProblemOfAsync(Store(folder, VaultKey.OfFile(other)))).State.ShouldBe(TokenStoreState.WrongKey);
        await File.WriteAllBytesAsync(other, new byte[31], Cancel);
        (await ProblemOfAsync(Store(folder, VaultKey.OfFile(other)))).State.ShouldBe(TokenStoreState.WrongKey);
        File.Delete(other);
        var missing = await ProblemOfAsync(Store(folder, VaultKey.OfFile(other)));
        missing.State.ShouldBe(TokenStoreState.Missing);
        missing.Remedy.ShouldContain($"the key file that {folder.Store.PathOf("default")} was made with", customMessage: "a new key would not open it");
        var notes = Path.Combine(folder.Path, "notes");
        await File.WriteAllBytesAsync(notes, new byte[33], Cancel);
        File.SetUnixFileMode(notes, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var elsewhere = TokenStore.EncryptedFile(Path.Combine(folder.Path, "empty"), VaultKey.OfFile(notes));
        (await Should.ThrowAsync<TokenStoreException>(() => elsewhere.ProbeAsync("default", Cancel))).Remedy.ShouldNotContain(notes, customMessage: "it would be overwritten");
        var empty = TokenStore.EncryptedFile(Path.Combine(folder.Path, "empty"), VaultKey.OfFile(other));
        (await Should.ThrowAsync<TokenStoreException>(() => empty.ProbeAsync("default", Cancel))).Remedy.ShouldContain($"head -c 32 /dev/urandom > {other}");
        File.SetUnixFileMode(folder.KeyFile, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        (await ProblemOfAsync(folder.Store)).State.ShouldBe(TokenStoreState.Exposed);
    }

    [Fact]
    public async Task What_holds_the_key_is_remembered_and_changes_by_a_move_alone()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder.Store);
        var before = await File.ReadAllBytesAsync(folder.Vault, Cancel);
        var byPassphrase = Store(folder, VaultKey.OfPassphrase(Passphrase));

        var refused = await ProblemOfAsync(byPassphrase);
        refused.State.ShouldBe(TokenStoreState.OtherBackend);
        refused.Message.ShouldContain("its key is in a key file");
        await using (var client = new PublicClient(server.Options() with { Store = byPassphrase }))
            (await Should.ThrowAsync<TokenStoreException>(() => client.BeginAsync(Cancel))).State.ShouldBe(TokenStoreState.OtherBackend);
        (await File.ReadAllBytesAsync(folder.Vault, Cancel)).ShouldBe(before);

        (await folder.Store.MoveAsync("default", byPassphrase, Cancel)).ShouldBeTrue();
        byPassphrase.BackendOf("default").ShouldBe("passphrase");
        (await byPassphrase.ListAsync(Cancel)).ShouldHaveSingleItem().Subject.ShouldBe("alice");
        (await ProblemOfAsync(folder.Store)).State.ShouldBe(TokenStoreState.OtherBackend);
    }

    [Fact]
    public async Task A_session_moves_to_another_folder_and_leaves_no_file_behind()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder.Store);
        var elsewhere = TokenStore.EncryptedFile(Path.Combine(folder.Path, "elsewhere"), VaultKey.OfFile(folder.KeyFile));

        (await folder.Store.MoveAsync("default", elsewhere, Cancel)).ShouldBeTrue();

        File.Exists(folder.Vault).ShouldBeFalse();
        (await elsewhere.ListAsync(Cancel)).ShouldHaveSingleItem();
        (await folder.Store.MoveAsync("default", elsewhere, Cancel)).ShouldBeFalse();
        await Should.ThrowAsync<ArgumentException>(() => TokenStore.InMemory.MoveAsync("default", elsewhere, Cancel));
    }

    [Fact]
    public async Task A_sign_in_that_ends_after_the_session_was_moved_does_not_bring_the_old_key_back()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder.Store);
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = folder.Store });
        await using var pending = await client.BeginAsync(Cancel);
        await folder.Store.MoveAsync("default", Store(folder, VaultKey.OfPassphrase(Passphrase)), Cancel);

        await pending.OpenBrowserAsync(Cancel);

        (await Should.ThrowAsync<TokenStoreException>(() => pending.EndAsync(Cancel))).State.ShouldBe(TokenStoreState.OtherBackend);
        folder.Store.BackendOf("default").ShouldBe("passphrase");
    }

    [Fact]
    public async Task Who_waits_too_long_for_a_lock_is_told_which_process_has_it()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "some.lock");
        using var held = await VaultLock.TakeAsync(path, () => { }, () => Task.FromResult(false), TimeSpan.Zero, TimeSpan.FromSeconds(1), Cancel);

        var tooLong = await Should.ThrowAsync<TokenStoreException>(() => VaultLock.TakeAsync(path, () => { }, () => Task.FromResult(false), TimeSpan.Zero, TimeSpan.FromMilliseconds(50), Cancel));

        tooLong.State.ShouldBe(TokenStoreState.Locked);
        tooLong.Message.ShouldContain($"process {Environment.ProcessId} has held it");
    }

    [Fact]
    public void Profiles_never_share_a_file_and_no_name_leads_out_of_the_folder()
    {
        using var folder = new TemporaryFolder();
        string[] names = ["work", "Work", "WORK", "..", "../work", "a/b", "a\\b", "%57ork", "ä", "日本", "con", new string('x', 100), new string('日', 100), new string('日', 99) + "本"];
        var files = names.Select(folder.Store.PathOf).ToList();

        files.Select(file => file.ToLowerInvariant()).Distinct().Count().ShouldBe(names.Length);
        files.ShouldAllBe(file => Path.GetDirectoryName(Path.GetFullPath(file)) == folder.Store.Folder);
        files.ShouldAllBe(file => Path.GetFileName(file).Length < 200);
    }

    [Fact]
    public async Task A_link_to_a_vault_has_the_lock_of_the_vault()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder.Store);
        var linked = TokenStore.EncryptedFile(Directory.CreateDirectory(Path.Combine(folder.Path, "linked")).FullName, VaultKey.OfFile(folder.KeyFile));
        File.CreateSymbolicLink(linked.PathOf("default"), folder.Vault);
        using var vault = new SessionVault(linked, "default");

        vault.Path.ShouldBe(folder.Vault);
        (await vault.ReadAsync(Cancel))!.Subject.ShouldBe("alice");
    }

    [Fact]
    [Assertion("RT-16")]
    public async Task A_keychain_that_does_not_answer_is_locked_and_not_signed_out()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var answers = new ManualResetEventSlim();
        var store = Store(folder, new KeychainKey("test", new HungKeychain(answers), TimeSpan.FromMilliseconds(200)));
        await using var client = new PublicClient(server.Options() with { Store = store });

        var locked = await Should.ThrowAsync<TokenStoreException>(() => client.GetSessionAsync(Cancel));

        locked.State.ShouldBe(TokenStoreState.Locked);
        locked.Code.ShouldBe("token_store_locked");
        locked.Remedy.ShouldContain("nobody was signed out");
        server.AuthorizeRequests.ShouldBeEmpty();
        answers.Set();
    }

    private static TokenStore Store(TemporaryFolder folder, VaultKey key) => TokenStore.EncryptedFile(folder.Store.Folder, key);

    private static Task<TokenStoreException> ProblemOfAsync(TokenStore store) => Should.ThrowAsync<TokenStoreException>(() => store.ListAsync(Cancel));

    private static async Task SignInAsync(ScriptedServer server, TokenStore store)
    {
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = store });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
    }

    // One whose window nobody sees.
    private sealed class HungKeychain(ManualResetEventSlim answers) : Keychain
    {
        public override string? Find(string application, CancellationToken limit)
        {
            answers.Wait(TimeSpan.FromMinutes(1), CancellationToken.None);
            return null;
        }

        public override void Store(string application, string secret, CancellationToken limit) => throw new InvalidOperationException("Nobody found out whether there is a key.");
    }
}

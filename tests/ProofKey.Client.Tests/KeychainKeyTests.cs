namespace ProofKey.Client.Tests;

/// <summary>The key in a keychain: asked for once, made once, and never lost by what a program remembers.</summary>
public sealed class KeychainKeyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ScriptedKeychain _keychain = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private TokenStore Store => TokenStore.EncryptedFile(_folder.Store.Folder, new KeychainKey(Application, _keychain));

    // The lock of making a key is one for each program on the machine.
    private string Application { get; } = $"test-{Secret.NewText(6)}";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_running_program_asks_once_whatever_the_number_of_its_clients_and_profiles()
    {
        await using var server = await ScriptedServer.StartAsync();
        foreach (var profile in new[] { "work", "home" }) await SignInAsync(server, profile);
        var asked = _keychain.Questions;

        _keychain.Problem = TokenStoreState.Locked;
        (await Store.ListAsync(Cancel)).Count.ShouldBe(2);
        await using var client = new PublicClient(server.Options() with { Store = Store, Profile = "work" });
        (await client.GetStoredSessionAsync(Cancel)).Subject.ShouldBe("alice");

        _keychain.Questions.ShouldBe(asked);
    }

    [Fact]
    [Assertion("CL-12")]
    public async Task Tokens_may_be_longer_than_what_a_keychain_takes()
    {
        await using var server = await ScriptedServer.StartAsync();
        var token = string.Concat(Enumerable.Range(0, 40).Select(_ => Secret.NewText(100)));
        server.SpoilTokens = tokens => tokens["refresh_token"] = token;
        await SignInAsync(server, "default");

        _keychain.Longest.ShouldBeInRange(32, 100);
        using var vault = new SessionVault(AfterARestart(), "default");
        (await vault.ReadAsync(Cancel))!.RefreshToken.ShouldBe(token);
    }

    [Theory]
    [InlineData(TokenStoreState.Locked)]
    [InlineData(TokenStoreState.Missing)]
    [Assertion("RT-16")]
    public async Task A_keychain_that_is_closed_during_a_sign_in_does_not_stop_it(TokenStoreState state)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = Store });
        await using var pending = await client.BeginAsync(Cancel);
        _keychain.Problem = state;

        await pending.OpenBrowserAsync(Cancel);
        (await pending.EndAsync(Cancel)).ShouldBeOfType<SignInResult.SignedIn>();

        _keychain.Problem = null;
        (await AfterARestart().ListAsync(Cancel)).ShouldHaveSingleItem();
    }

    [Fact]
    [Assertion("CL-12")]
    public async Task A_key_that_is_gone_seals_no_new_file()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = Store });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        // What the remedy says, while the program runs: the keychain was reset, so the file is removed and the person signs in again.
        _keychain.Clear();
        File.Delete(_folder.Vault);

        await client.GetSessionAsync(Cancel);
        await browser.Page;

        (await AfterARestart().ListAsync(Cancel)).ShouldHaveSingleItem("every other program opens it too");
    }

    [Fact]
    public async Task A_key_that_another_program_made_in_the_same_moment_is_taken()
    {
        _keychain.Rival = Secret.NewText(32);

        await Store.ProbeAsync("default", Cancel);

        _keychain.SecretOf(Application).ShouldBe(_keychain.Rival);
    }

    [Fact]
    public async Task Where_there_is_no_session_yet_a_file_is_the_way_out_and_where_there_is_one_it_is_none()
    {
        await using var server = await ScriptedServer.StartAsync();
        _keychain.Problem = TokenStoreState.Missing;
        (await Should.ThrowAsync<TokenStoreException>(() => Store.ProbeAsync("default", Cancel))).Remedy.ShouldContain("TokenStore.EncryptedFile");
        _keychain.Problem = null;
        await SignInAsync(server, "default");
        _keychain.Problem = TokenStoreState.Missing;

        var remedy = (await Should.ThrowAsync<TokenStoreException>(() => AfterARestart().ListAsync(Cancel))).Remedy;

        remedy.ShouldNotContain("TokenStore.EncryptedFile");
        remedy.ShouldContain("use another ClientOptions.Profile");
    }

    [Fact]
    public void A_program_with_a_window_may_wait_for_a_store_on_its_one_thread()
    {
        using var opened = new ManualResetEventSlim();
        var window = new Thread(() =>
        {
            SynchronizationContext.SetSynchronizationContext(new BusyWindow());
            Store.ProbeAsync("default", Cancel).GetAwaiter().GetResult();
            Store.ListAsync(Cancel).GetAwaiter().GetResult();
            opened.Set();
        })
        { IsBackground = true };

        window.Start();

        opened.Wait(TimeSpan.FromSeconds(30), Cancel).ShouldBeTrue();
    }

    // The same keychain as a process sees it that knows nothing yet.
    private TokenStore AfterARestart() => TokenStore.EncryptedFile(_folder.Store.Folder, new KeychainKey(Application, _keychain.Copy()));

    private async Task SignInAsync(ScriptedServer server, string profile)
    {
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = Store, Profile = profile });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
    }

    // What is sent to it is never done: its thread waits in a call.
    private sealed class BusyWindow : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state)
        {
        }
    }

    private sealed class ScriptedKeychain : Keychain
    {
        private Dictionary<string, string> _secrets = [];

        public int Questions { get; private set; }

        /// <summary>The length of the longest secret that came. Windows takes 2,560 bytes.</summary>
        public int Longest { get; private set; }

        public TokenStoreState? Problem { get; set; }

        /// <summary>What another program stores an instant before us.</summary>
        public string? Rival { get; set; }

        public ScriptedKeychain Copy() => new() { _secrets = _secrets, Problem = Problem };

        public string SecretOf(string application) => _secrets[application];

        public void Clear() => _secrets.Clear();

        public override string? Find(string application, CancellationToken limit)
        {
            Ask();
            return _secrets.GetValueOrDefault(application);
        }

        public override void Store(string application, string secret, CancellationToken limit)
        {
            Ask();
            Longest = Math.Max(Longest, secret.Length);
            _secrets[application] = Rival ?? secret;
        }

        private void Ask()
        {
            Questions++;
            if (Problem is { } problem) throw new KeychainException(problem, "a test closed it", "Open it.");
        }
    }
}

namespace ProofKey.Client.Tests;

/// <summary>Moving a session: also where there is none, where there is another one, and after a move that broke off.</summary>
public sealed class VaultMoveTests : IDisposable
{
    private const string Passphrase = "five words make a key";

    private readonly TemporaryFolder _folder = new();

    public VaultMoveTests() => SuiteWitness.OfThisSuite.Secret("passphrase", Passphrase);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private TokenStore Elsewhere => TokenStore.EncryptedFile(Path.Combine(_folder.Path, "elsewhere"), VaultKey.OfFile(_folder.KeyFile));

    private TokenStore ByPassphrase => TokenStore.EncryptedFile(_folder.Store.Folder, VaultKey.OfPassphrase(Passphrase));

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Assertion("CL-12")]
    public async Task A_sign_in_that_came_to_nothing_binds_the_next_one_to_no_key()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using (var client = new PublicClient(server.Options() with { Store = _folder.Store }))
        await using (await client.BeginAsync(Cancel))
        {
            // And nobody ends it.
        }
        File.Exists(_folder.Vault).ShouldBeFalse();

        await SignInAsync(server, ByPassphrase);

        ByPassphrase.BackendOf("default").ShouldBe("passphrase");
        Directory.GetFiles(_folder.Store.Folder).Select(Path.GetFileName).Order().ShouldBe(["default.vault", "default.vault.lock", "default.vault.sign-in.lock"]);
    }

    [Fact]
    public async Task A_file_without_a_session_goes_with_a_move_and_with_the_next_try()
    {
        await EmptyAsync(_folder.Store);
        (await _folder.Store.MoveAsync("default", ByPassphrase, Cancel)).ShouldBeFalse();
        File.Exists(_folder.Vault).ShouldBeFalse();

        await EmptyAsync(_folder.Store);
        (await _folder.Store.MoveAsync("default", Elsewhere, Cancel)).ShouldBeFalse();
        File.Exists(_folder.Vault).ShouldBeFalse();

        await EmptyAsync(_folder.Store);
        await _folder.Store.ProbeAsync("default", Cancel);
        File.Exists(_folder.Vault).ShouldBeFalse();
    }

    [Fact]
    public async Task A_session_of_somebody_else_is_not_overwritten()
    {
        await using var server = await ScriptedServer.StartAsync();
        await SignInAsync(server, Elsewhere);
        server.Subject = "bob";
        await SignInAsync(server, _folder.Store);

        var problem = await Should.ThrowAsync<TokenStoreException>(() => _folder.Store.MoveAsync("default", Elsewhere, Cancel));

        (problem.State, problem.Code).ShouldBe((TokenStoreState.Occupied, "token_store_occupied"));
        (await Elsewhere.ListAsync(Cancel)).ShouldHaveSingleItem().Subject.ShouldBe("alice");
        (await _folder.Store.ListAsync(Cancel)).ShouldHaveSingleItem().Subject.ShouldBe("bob");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Assertion("RT-15")]
    public async Task Of_a_move_that_broke_off_the_tokens_that_came_last_count(bool isRepeatedAtOnce)
    {
        await using var server = await ScriptedServer.StartAsync();
        await SignInAsync(server, _folder.Store);
        // Killed when the copy was written and the first file not deleted yet.
        Directory.CreateDirectory(Elsewhere.Folder);
        File.Copy(_folder.Vault, Elsewhere.PathOf("default"));
        var (used, left) = isRepeatedAtOnce ? (_folder.Store, Elsewhere) : (Elsewhere, _folder.Store);
        server.Time.Shift = TimeSpan.FromMinutes(11);
        await RenewAsync(server, used);

        (await _folder.Store.MoveAsync("default", Elsewhere, Cancel)).ShouldBeTrue();

        File.Exists(_folder.Vault).ShouldBeFalse();
        server.Time.Shift = TimeSpan.FromMinutes(22);
        await RenewAsync(server, Elsewhere);
        server.Reuses.ShouldBe(0, $"the tokens of {left} were spent");
    }

    [Fact]
    public async Task One_file_that_two_ways_lead_to_changes_its_key_in_its_place()
    {
        await using var server = await ScriptedServer.StartAsync();
        await SignInAsync(server, _folder.Store);
        var linked = Path.Combine(_folder.Path, "linked");
        Directory.CreateSymbolicLink(linked, _folder.Path);
        var sameFile = TokenStore.EncryptedFile(Path.Combine(linked, "data"), VaultKey.OfPassphrase(Passphrase));

        (await _folder.Store.MoveAsync("default", sameFile, Cancel).WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, Cancel)).ShouldBeTrue();

        (await ByPassphrase.ListAsync(Cancel)).ShouldHaveSingleItem().Subject.ShouldBe("alice");
    }

    [Fact]
    public async Task Moves_in_opposite_directions_do_not_wait_for_each_other_for_ever()
    {
        using var theirs = new SessionVault(Elsewhere, "default");
        for (var i = 0; i < 8; i++)
        {
            Task<bool>[] moves;
            using (await theirs.LockAsync(Cancel))
            {
                moves = [_folder.Store.MoveAsync("default", Elsewhere, Cancel), Elsewhere.MoveAsync("default", _folder.Store, Cancel)];
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancel);
            }
            await Task.WhenAll(moves).WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, Cancel);
        }
    }

    [Fact]
    public void Who_brings_no_options_waits_as_long_as_a_program_with_the_usual_ones_may_work()
    {
        using var vault = new SessionVault(_folder.Store, "default");

        vault.Patience.ShouldBe(SessionVault.PatienceOf(new ClientOptions { Issuer = Issuer.Parse("https://login.example.com"), ClientId = "cli" }));
    }

    // As an older version left it after a sign-in that came to nothing.
    private static async Task EmptyAsync(TokenStore store)
    {
        using var vault = new SessionVault(store, "default");
        using var held = await vault.LockAsync(Cancel);
        await vault.ReplaceAsync(null, Cancel);
    }

    private static async Task SignInAsync(ScriptedServer server, TokenStore store)
    {
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = store });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
    }

    private static async Task RenewAsync(ScriptedServer server, TokenStore store)
    {
        await using var client = new PublicClient(server.Options() with { Store = store });
        await (await client.GetStoredSessionAsync(Cancel)).GetAccessTokenAsync(cancel: Cancel);
    }
}

namespace ProofKey.Client.Tests;

public sealed class SessionVaultTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("CL-12")]
    public async Task The_file_is_for_its_owner_alone_and_so_is_the_folder_that_was_made_for_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder);

        ModeOf(folder.Vault).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        ModeOf(folder.Vault + ".lock").ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        ModeOf(Path.GetDirectoryName(folder.Vault)!).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.GetFiles(Path.GetDirectoryName(folder.Vault)!).Select(Path.GetFileName).Order().ShouldBe(["default.vault", "default.vault.lock", "default.vault.sign-in.lock"]);
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.OtherWrite)]
    [Assertion("CL-12")]
    public async Task A_file_that_others_can_read_is_not_used(UnixFileMode extra)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder);
        SetMode(folder.Vault, ModeOf(folder.Vault) | extra);
        await using var client = Client(server, folder);

        var problem = await Should.ThrowAsync<TokenStoreException>(() => client.FindSessionAsync(Cancel));

        problem.State.ShouldBe(TokenStoreState.Exposed);
        problem.Code.ShouldBe("token_store_exposed");
        problem.Message.ShouldContain(folder.Vault);
    }

    [Fact]
    [Assertion("CL-12")]
    public async Task A_folder_that_everybody_can_write_to_is_not_used()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder);
        var parent = Path.GetDirectoryName(folder.Vault)!;
        SetMode(parent, ModeOf(parent) | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute);
        await using var client = Client(server, folder);

        (await Should.ThrowAsync<TokenStoreException>(() => client.FindSessionAsync(Cancel))).State.ShouldBe(TokenStoreState.Exposed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"session\":null}")]
    [InlineData("{\"version\":0}")]
    [InlineData("{\"version\":1,\"version\":1}")]
    [InlineData("{\"version\":1,\"session\":{\"id\":\"x\"}}")]
    [InlineData("{\"version\":1,\"session\":[]}")]
    [InlineData("{\"version\":1,\"session\":{\"id\":\"x\",\"profile\":\"default\",\"issuer\":\"nowhere\",\"client_id\":\"cli\",\"asked_scope\":\"\",\"granted_scope\":\"\",\"access_token\":\"x\",\"obtained_at\":\"2026-01-01T00:00:00Z\",\"expires_at\":\"2026-01-01T00:00:00Z\"}}")]
    [InlineData("{\"version\":1,\"session\":{\"id\":\"x\",\"profile\":\"default\",\"issuer\":\"https://a.example\",\"client_id\":\"cli\",\"asked_scope\":\"\",\"granted_scope\":\"\",\"claims\":7,\"access_token\":\"x\",\"obtained_at\":\"2026-01-01T00:00:00Z\",\"expires_at\":\"2026-01-01T00:00:00Z\"}}")]
    public async Task A_vault_with_content_that_makes_no_sense_is_reported_before_a_browser_opens_and_left_as_it_is(string content)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder);
        folder.Seal(content);
        var before = await File.ReadAllBytesAsync(folder.Vault, Cancel);
        await using var client = Client(server, folder);

        var problem = await Should.ThrowAsync<TokenStoreException>(() => client.GetSessionAsync(Cancel));
        await Should.ThrowAsync<TokenStoreException>(() => client.BeginAsync(Cancel));

        problem.State.ShouldBe(TokenStoreState.Damaged);
        problem.Remedy.ShouldContain("left as it is");
        (await File.ReadAllBytesAsync(folder.Vault, Cancel)).ShouldBe(before);
        server.AuthorizeRequests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task What_a_newer_version_wrote_into_a_session_is_kept_and_a_newer_form_is_refused_with_the_remedy()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder);
        folder.Seal(folder.Content().Replace("\"profile\":", "\"of_later\":{\"kty\":\"EC\"},\"profile\":", StringComparison.Ordinal));
        await using var client = Client(server, folder);
        server.Time.Shift = TimeSpan.FromMinutes(11);

        await (await client.FindSessionAsync(Cancel))!.GetAccessTokenAsync(cancel: Cancel);

        folder.Content().ShouldContain("\"of_later\":{\"kty\":\"EC\"}");
        folder.Seal("{\"version\":2,\"sessions\":[]}");
        var newer = await Should.ThrowAsync<TokenStoreException>(() => client.FindSessionAsync(Cancel));
        newer.State.ShouldBe(TokenStoreState.Damaged);
        newer.Remedy.ShouldContain("Update this program");
    }

    [Theory]
    [InlineData(2, "Update this program")]
    [InlineData(0, "left as it is")]
    public async Task A_newer_kind_of_file_asks_for_an_update_and_not_for_its_end(byte version, string remedy)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder);
        var file = await File.ReadAllBytesAsync(folder.Vault, Cancel);
        file["ProofKey".Length] = version;
        await File.WriteAllBytesAsync(folder.Vault, file, Cancel);
        await using var client = Client(server, folder);

        var problem = await Should.ThrowAsync<TokenStoreException>(() => client.FindSessionAsync(Cancel));

        problem.State.ShouldBe(TokenStoreState.Damaged);
        problem.Remedy.ShouldContain(remedy);
    }

    [Fact]
    [Assertion("RT-12")]
    public async Task What_could_not_be_read_again_is_not_written_over_what_can()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder);
        var stored = (await folder.SessionAsync())!;
        using var vault = new SessionVault(folder.Store, "default");

        var problem = await Should.ThrowAsync<TokenStoreException>(() => vault.SaveAsync(stored with { AccessToken = new string('x', 1024 * 1024) }, Cancel));

        problem.State.ShouldBe(TokenStoreState.Denied);
        (await folder.SessionAsync())!.AccessToken.ShouldBe(stored.AccessToken);
    }

    [Fact]
    public async Task A_place_where_nothing_can_be_written_is_reported_before_a_browser_opens()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "file");
        await File.WriteAllTextAsync(file, "", Cancel);
        await using var client = new PublicClient(server.Options() with { Store = TokenStore.EncryptedFile(Path.Combine(file, "data"), VaultKey.OfFile(folder.KeyFile)) });

        var problem = await Should.ThrowAsync<TokenStoreException>(() => client.BeginAsync(Cancel));

        problem.State.ShouldBe(TokenStoreState.Denied);
        problem.Path.ShouldStartWith(Path.Combine(file, "data"));
    }

    [Fact]
    [Assertion("CL-20")]
    public async Task A_stored_session_is_found_for_its_own_parameters_only()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder);
        var options = server.Options() with { Store = folder.Store };

        (await FindAsync(options)).ShouldNotBeNull();
        (await FindAsync(options with { Scope = Scope.Parse("profile openid") })).ShouldNotBeNull();
        (await FindAsync(options with { Scope = Scope.Parse("openid") })).ShouldBeNull();
        (await FindAsync(options with { Scope = Scope.Parse("openid profile email") })).ShouldBeNull();
        (await FindAsync(options with { ClientId = "other" })).ShouldBeNull();
        (await FindAsync(options with { Issuer = Issuer.Parse("https://other.example") })).ShouldBeNull();
        (await FindAsync(options with { Resource = "https://api.example.com/" })).ShouldBeNull();
        (await FindAsync(options with { Profile = "work" })).ShouldBeNull();
    }

    [Fact]
    public async Task Profiles_live_side_by_side_and_are_listed_without_tokens()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder, "work");
        server.Subject = "bob";
        await SignInAsync(server, folder, "home");

        var listed = await folder.Store.ListAsync(Cancel);

        listed.Select(one => (one.Profile, one.Subject)).ShouldBe([("home", "bob"), ("work", "alice")]);
        listed.ShouldAllBe(one => one.CanRefresh && one.ClientId == ScriptedServer.ClientId && one.Issuer.Equals(server.Issuer));
        foreach (var secret in server.Secrets) string.Join('\n', listed).ShouldNotContain(secret);
    }

    [Fact]
    public async Task A_profile_that_cannot_be_opened_hides_no_other()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        foreach (var profile in new[] { "broken", "good" }) await SignInAsync(server, folder, profile);
        await File.WriteAllTextAsync(folder.Store.PathOf("broken"), "no vault", Cancel);
        var problems = new List<TokenStoreException>();

        (await folder.Store.ListAsync(problems.Add, Cancel)).ShouldHaveSingleItem().Profile.ShouldBe("good");

        problems.ShouldHaveSingleItem().Path.ShouldBe(folder.Store.PathOf("broken"));
        (await Should.ThrowAsync<TokenStoreException>(() => folder.Store.ListAsync(Cancel))).State.ShouldBe(TokenStoreState.Damaged);
    }

    [Fact]
    public async Task A_folder_that_is_not_there_holds_nothing_and_is_not_made()
    {
        using var folder = new TemporaryFolder();

        (await folder.Store.ListAsync(Cancel)).ShouldBeEmpty();
        (await TokenStore.InMemory.ListAsync(Cancel)).ShouldBeEmpty();
        Directory.Exists(folder.Store.Folder).ShouldBeFalse();
    }

    [Fact]
    public void Sessions_belong_below_the_application_data_of_the_person()
    {
        var data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        TokenStore.OfThisSystem("tool").PathOf("default").ShouldBe(Path.Combine(data, "tool", "default.vault"));
        foreach (var name in new[] { "", "../tool", "a/b", ".tool", new string('x', 65) }) Should.Throw<ArgumentException>(() => TokenStore.OfThisSystem(name));
    }

    [Fact]
    [Assertion("CL-20")]
    public async Task A_session_object_never_becomes_that_of_the_next_person()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder);
        await using var client = Client(server, folder);
        var ofAlice = (await client.FindSessionAsync(Cancel))!;
        server.Subject = "bob";
        await SignInAsync(server, folder);
        server.Time.Shift = TimeSpan.FromMinutes(11);

        (await Should.ThrowAsync<SignInRequiredException>(() => ofAlice.GetAccessTokenAsync(cancel: Cancel))).Reason.ShouldBe(SignInRequiredReason.SignedOut);
        (await client.FindSessionAsync(Cancel))!.Subject.ShouldBe("bob");
    }

    [Fact]
    public async Task Readers_see_a_whole_file_while_writers_replace_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        await SignInAsync(server, folder);
        await using var client = Client(server, folder);
        var stored = (await client.Vault.FindAsync(client.Options, Cancel))!;
        var reads = 0;
        var done = false;
        var reading = Task.Run(
            async () =>
            {
                for (; !Volatile.Read(ref done); Interlocked.Increment(ref reads)) (await client.Vault.FindAsync(client.Options, Cancel))!.Id.ShouldBe(stored.Id);
            },
            Cancel);

        while (Volatile.Read(ref reads) < 200 && !reading.IsCompleted)
            using (await client.Vault.LockAsync(Cancel)) await client.Vault.SaveAsync(stored, Cancel);
        Volatile.Write(ref done, true);

        await reading;
    }

    private static UnixFileMode ModeOf(string path) => File.GetUnixFileMode(path);

    private static void SetMode(string path, UnixFileMode mode) => File.SetUnixFileMode(path, mode);

    private static PublicClient Client(ScriptedServer server, TemporaryFolder folder) => new(server.Options() with { Store = folder.Store });

    private static async Task<Session?> FindAsync(ClientOptions options)
    {
        await using var client = new PublicClient(options);
        return await client.FindSessionAsync(Cancel);
    }

    private static async Task SignInAsync(ScriptedServer server, TemporaryFolder folder, string profile = "default")
    {
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = folder.Store, Profile = profile });
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);
        (await pending.EndAsync(Cancel)).ShouldBeOfType<SignInResult.SignedIn>();
    }
}

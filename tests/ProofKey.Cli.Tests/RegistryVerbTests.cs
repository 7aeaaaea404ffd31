using System.Text.Json;

namespace ProofKey.Cli.Tests;

/// <summary><c>client</c> and <c>user</c>: what an operator registers, lists and removes.</summary>
public sealed class RegistryVerbTests : IDisposable
{
    private readonly Cli _cli = new();

    public RegistryVerbTests() => _cli.Environment["PROOFKEY_DATA"] = _cli.Data;

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task A_public_client_is_printed_with_exactly_three_members_and_never_with_a_secret()
    {
        using var json = JsonDocument.Parse(await _cli.OutputOfAsync("client", "add", "My app", "--public", "--redirect-uri", "http://127.0.0.1/callback", "--redirect-uri", "com.example.app:/callback", "--json"));
        json.RootElement.EnumerateObject().Select(member => member.Name).ShouldBe(["client_id", "name", "redirect_uris"]);
        json.RootElement.GetProperty("client_id").GetString().ShouldNotBeNullOrEmpty();
        json.RootElement.GetProperty("name").GetString().ShouldBe("My app");
        json.RootElement.GetProperty("redirect_uris").EnumerateArray().Select(uri => uri.GetString()).ShouldBe(["http://127.0.0.1/callback", "com.example.app:/callback"]);
    }

    [Fact]
    public async Task A_confidential_client_gets_its_secret_once_and_nobody_can_read_it_again()
    {
        using var json = JsonDocument.Parse(await _cli.OutputOfAsync("client", "add", "My site", "--confidential", "--redirect-uri", "https://www.example.com/callback", "--json"));
        var (id, secret) = (json.RootElement.GetProperty("client_id").GetString()!, json.RootElement.GetProperty("client_secret").GetString()!);
        secret.Length.ShouldBeGreaterThanOrEqualTo(43);
        var shown = await _cli.OutputOfAsync("client", "show", id, "--json") + await _cli.OutputOfAsync("client", "show", id) + await _cli.OutputOfAsync("client", "list", "--json");
        shown.Contains(secret, StringComparison.Ordinal).ShouldBeFalse();
        shown.ShouldNotContain("secret");
    }

    [Fact]
    public async Task Without_json_stdout_holds_the_client_id_alone()
    {
        var added = await _cli.RunAsync("client", "add", "My app", "--public", "--redirect-uri", "http://127.0.0.1/callback");
        added.Errors.ShouldContain("Registered My app");
        var id = added.Output.TrimEnd('\n');
        id.ShouldNotContain(" ");
        (await _cli.OutputOfAsync("client", "list")).ShouldContain(id);
    }

    [Fact]
    public async Task A_client_is_shown_as_it_was_registered()
    {
        var id = await _cli.OutputOfAsync(
            "client", "add", "Orders", "--public", "--redirect-uri", "https://app.example.com/callback", "--origin", "https://app.example.com", "--scope", "openid orders.read",
            "--audience", "https://orders.example.com/", "--response-mode", "form_post", "--first-party", "--strict", "--require-par", "--dpop", "--post-logout-redirect-uri", "https://app.example.com/bye",
            "--backchannel-logout-uri", "https://app.example.com/logged-out");
        using var json = JsonDocument.Parse(await _cli.OutputOfAsync("client", "show", id, "--json"));
        var client = json.RootElement;
        client.GetProperty("public").GetBoolean().ShouldBeTrue();
        client.GetProperty("origins")[0].GetString().ShouldBe("https://app.example.com");
        client.GetProperty("scope").GetString().ShouldBe("openid orders.read");
        client.GetProperty("audience").GetString().ShouldBe("https://orders.example.com/");
        client.GetProperty("response_modes")[0].GetString().ShouldBe("form_post");
        client.GetProperty("post_logout_redirect_uris")[0].GetString().ShouldBe("https://app.example.com/bye");
        client.GetProperty("backchannel_logout_uri").GetString().ShouldBe("https://app.example.com/logged-out");
        client.GetProperty("first_party").GetBoolean().ShouldBeTrue();
        client.GetProperty("strict").GetBoolean().ShouldBeTrue();
        client.GetProperty("require_par").GetBoolean().ShouldBeTrue();
        client.GetProperty("dpop").GetBoolean().ShouldBeTrue();
        (await _cli.OutputOfAsync("client", "show", id)).ShouldContain("https://orders.example.com/");
    }

    [Fact]
    [Assertion("DV-08")]
    public async Task A_client_that_runs_on_devices_needs_no_address_and_no_other_client_is_one()
    {
        var id = await _cli.OutputOfAsync("client", "add", "Television", "--public", "--device");
        using var json = JsonDocument.Parse(await _cli.OutputOfAsync("client", "show", id, "--json"));
        json.RootElement.GetProperty("device").GetBoolean().ShouldBeTrue();
        json.RootElement.GetProperty("redirect_uris").GetArrayLength().ShouldBe(0);
        (await _cli.OutputOfAsync("client", "show", id)).ShouldContain("devices");
        var other = await _cli.OutputOfAsync("client", "add", "My app", "--public", "--redirect-uri", "http://127.0.0.1/callback");
        using var otherJson = JsonDocument.Parse(await _cli.OutputOfAsync("client", "show", other, "--json"));
        otherJson.RootElement.GetProperty("device").GetBoolean().ShouldBeFalse();
        (await _cli.RunAsync("client", "add", "Nowhere", "--public")).ExitCode.ShouldBe(2);
    }

    [Fact]
    public async Task A_removed_client_is_gone_and_cannot_be_removed_twice()
    {
        var id = await _cli.OutputOfAsync("client", "add", "My app", "--public", "--redirect-uri", "http://127.0.0.1/callback");
        (await _cli.RunAsync("client", "remove", id)).Errors.ShouldContain("Removed");
        (await _cli.OutputOfAsync("client", "list", "--json")).ShouldBe("[]");
        (await _cli.RunAsync("client", "show", id)).ShouldBeFailure(1, "There is no client", "proofkey client list");
        (await _cli.RunAsync("client", "remove", id)).ShouldBeFailure(1, "There is no client", "proofkey client list");
    }

    [Fact]
    public async Task A_client_is_changed_in_what_is_said_and_in_nothing_else()
    {
        var id = await _cli.OutputOfAsync("client", "add", "My page", "--public", "--redirect-uri", "https://app.example.com/callback", "--audience", "https://orders.example.com/", "--first-party", "--origin", "https://www.example.com");
        (await _cli.RunAsync("client", "update", id, "--redirect-uri", "https://new.example.com/callback", "--redirect-uri", "http://127.0.0.1/callback", "--first-party", "false", "--name", "My new page")).Errors.ShouldContain("Changed My new page");
        using (var json = JsonDocument.Parse(await _cli.OutputOfAsync("client", "show", id, "--json")))
        {
            var client = json.RootElement;
            client.GetProperty("name").GetString().ShouldBe("My new page");
            client.GetProperty("redirect_uris").EnumerateArray().Select(uri => uri.GetString()).ShouldBe(["https://new.example.com/callback", "http://127.0.0.1/callback"]);
            client.GetProperty("first_party").GetBoolean().ShouldBeFalse();
            client.GetProperty("audience").GetString().ShouldBe("https://orders.example.com/");
            client.GetProperty("origins")[0].GetString().ShouldBe("https://www.example.com");
        }
        await _cli.OutputOfAsync("client", "update", id, "--audience", "none", "--origin", "none", "--json");
        using (var json = JsonDocument.Parse(await _cli.OutputOfAsync("client", "show", id, "--json")))
        {
            json.RootElement.TryGetProperty("audience", out _).ShouldBeFalse();
            json.RootElement.GetProperty("origins").GetArrayLength().ShouldBe(0);
        }
        (await _cli.RunAsync("client", "update", "nobody", "--name", "x")).ShouldBeFailure(1, "There is no client", "proofkey client list");
        (await _cli.RunAsync("client", "update", id, "--redirect-uri", "none")).ShouldBeFailure(2, "at least one redirect URI", "http://127.0.0.1");
        (await _cli.RunAsync("client", "update", id, "--new-secret")).ShouldBeFailure(2, "has no secret", "public");
    }

    [Fact]
    public async Task A_confidential_client_gets_another_secret_or_proves_itself_with_keys()
    {
        using var added = JsonDocument.Parse(await _cli.OutputOfAsync("client", "add", "Job", "--confidential", "--client-credentials", "--introspects", "https://orders.example.com/", "--scope", "orders.read", "--json"));
        var (id, secret) = (added.RootElement.GetProperty("client_id").GetString()!, added.RootElement.GetProperty("client_secret").GetString()!);
        var another = await _cli.OutputOfAsync("client", "update", id, "--new-secret");
        another.Length.ShouldBeGreaterThanOrEqualTo(43);
        another.ShouldNotBe(secret);

        using var key = ProofKey.Jose.SigningKey.New(ProofKey.Jose.SignatureAlgorithm.ES256);
        var file = _cli.Write("jwks.json", System.Text.Encoding.UTF8.GetString(new ProofKey.Jose.JwkSet(key.PublicKey).ToJson()));
        (await _cli.OutputOfAsync("client", "update", id, "--jwks", file)).ShouldBeEmpty("there is no secret any more");
        var shown = await _cli.OutputOfAsync("client", "show", id);
        shown.ShouldContain("registered");
        shown.ShouldContain("client_credentials");
        shown.ShouldContain("https://orders.example.com/");
        await _cli.OutputOfAsync("client", "update", id, "--jwks-uri", "https://job.example.com/jwks.json");
        using (var json = JsonDocument.Parse(await _cli.OutputOfAsync("client", "show", id, "--json")))
            (json.RootElement.GetProperty("jwks_uri").GetString(), json.RootElement.GetProperty("jwks").GetBoolean()).ShouldBe(("https://job.example.com/jwks.json", false));
        (await _cli.OutputOfAsync("client", "update", id, "--jwks-uri", "none")).Length.ShouldBeGreaterThanOrEqualTo(43, "without keys it needs a secret again");

        (await _cli.RunAsync("client", "add", "x", "--confidential", "--client-credentials", "--jwks", _cli.Write("no.json", "{}"))).ShouldBeFailure(2, "JWK set", "public keys");
        (await _cli.RunAsync("client", "add", "x", "--confidential", "--client-credentials", "--jwks-uri", "http://job.example.com/jwks")).ShouldBeFailure(2, "https", "public host");
        (await _cli.RunAsync("client", "add", "x", "--public", "--client-credentials")).ShouldBeFailure(2, "public client", "confidential");
        (await _cli.RunAsync("client", "add", "x", "--confidential")).ShouldBeFailure(2, "at least one redirect URI", "http://127.0.0.1");
    }

    [Fact]
    public async Task An_API_is_added_listed_changed_and_removed()
    {
        const string Address = "https://orders.example.com/";
        using (var json = JsonDocument.Parse(await _cli.OutputOfAsync("resource", "add", Address, "--scope", "orders.read orders.write", "--name", "Orders", "--json")))
            json.RootElement.EnumerateObject().Select(member => member.Name).ShouldBe(["address", "name", "scope", "created_at"]);
        (await _cli.OutputOfAsync("resource", "list")).ShouldContain("orders.read orders.write");
        (await _cli.RunAsync("resource", "add", Address, "--scope", "orders.read")).ShouldBeFailure(2, "already", "remove it first");
        (await _cli.RunAsync("resource", "add", "https://stock.example.com/")).ShouldBeFailure(2, "--scope is needed", "--scope SCOPE");
        (await _cli.RunAsync("resource", "add", "stock", "--scope", "stock.read")).ShouldBeFailure(2, "absolute", "https://");
        (await _cli.RunAsync("resource", "update", Address)).ShouldBeFailure(2, "Nothing is to be changed", "--scope");
        (await _cli.RunAsync("resource", "update", Address, "--scope", "orders.all")).Errors.ShouldContain("Orders, with orders.all");
        (await _cli.OutputOfAsync("resource", "list", "--json")).ShouldContain("orders.all");
        (await _cli.RunAsync("resource", "remove", Address)).Errors.ShouldContain("Removed");
        (await _cli.RunAsync("resource", "remove", Address)).ShouldBeFailure(1, "There is no API", "proofkey resource list");
        (await _cli.OutputOfAsync("resource", "list", "--json")).ShouldBe("[]");
    }

    [Fact]
    public async Task Whoever_adds_an_API_learns_which_clients_have_to_name_it_from_now_on()
    {
        const string Address = "https://orders.example.com/";
        await _cli.OutputOfAsync("client", "add", "Elsewhere", "--public", "--redirect-uri", "http://127.0.0.1/callback", "--scope", "openid orders.read", "--json");
        await _cli.OutputOfAsync("client", "add", "At home", "--public", "--redirect-uri", "http://127.0.0.1/callback", "--scope", "openid orders.read", "--audience", Address, "--json");
        var added = await _cli.RunAsync("resource", "add", Address, "--scope", "orders.read");
        added.Errors.ShouldContain("Elsewhere (");
        added.Errors.ShouldContain($"gets orders.read only with resource={Address}");
        added.Errors.ShouldNotContain("At home");
        (await _cli.RunAsync("resource", "update", Address, "--scope", "orders.read orders.write")).Errors.ShouldContain("Elsewhere (");
        var shared = await _cli.RunAsync("resource", "add", "https://archive.example.com/", "--scope", "orders.read", "--json");
        shared.Errors.ShouldNotContain("At home", Case.Insensitive, "its own API knows the scope too");
        JsonDocument.Parse(shared.Output).Dispose();
    }

    [Fact]
    public async Task A_scope_is_put_into_words_listed_and_its_words_removed()
    {
        (await _cli.OutputOfAsync("scope", "set", "orders.read", "see your orders", "--json")).ShouldBe("{\"scope\":\"orders.read\",\"words\":\"see your orders\"}");
        (await _cli.RunAsync("scope", "set", "orders.read", "look at your orders")).Errors.ShouldContain("orders.read: look at your orders");
        (await _cli.OutputOfAsync("scope", "list")).ShouldContain("look at your orders");
        (await _cli.RunAsync("scope", "set", "two words", "x")).ShouldBeFailure(2, "one word");
        (await _cli.RunAsync("scope", "set", "orders.read", "")).ShouldBeFailure(2, "1 to 200");
        (await _cli.RunAsync("scope", "remove", "orders.read")).Errors.ShouldContain("Removed");
        (await _cli.RunAsync("scope", "remove", "orders.read")).ShouldBeFailure(1, "no words for a scope orders.read", "proofkey scope list");
        (await _cli.OutputOfAsync("scope", "list", "--json")).ShouldBe("[]");
    }

    [Fact]
    public async Task A_user_is_added_listed_and_removed()
    {
        var added = await _cli.RunWithAsync("correct horse battery\n", "user", "add", "alice", "--email", "alice@example.com", "--admin", "--password-stdin", "--json");
        using (var json = JsonDocument.Parse(added.Output))
        {
            json.RootElement.EnumerateObject().Select(member => member.Name).ShouldBe(["sub", "name", "email", "admin", "created_at"]);
            json.RootElement.GetProperty("admin").GetBoolean().ShouldBeTrue();
        }
        (await _cli.RunWithAsync("other password", "user", "add", "bob", "--password-stdin")).Errors.ShouldContain("Added bob");
        (await _cli.OutputOfAsync("user", "list")).Split('\n').Length.ShouldBe(3);

        (await _cli.RunWithAsync("correct horse battery", "user", "add", "ALICE", "--password-stdin")).ShouldBeFailure(2, "already", "another name");
        (await _cli.RunAsync("user", "remove", "alice")).ExitCode.ShouldBe(0);
        (await _cli.RunAsync("user", "remove", "alice")).ShouldBeFailure(1, "There is no user alice", "proofkey user list");
        (await _cli.OutputOfAsync("user", "list", "--json")).ShouldNotContain("alice");
    }

    [Fact]
    public async Task A_user_is_shown_kept_out_let_in_again_and_given_a_new_password()
    {
        (await _cli.RunWithAsync("correct horse battery\n", "user", "add", "alice", "--password-stdin")).ExitCode.ShouldBe(0);
        (await _cli.OutputOfAsync("user", "show", "alice")).ShouldContain("active");
        using (var json = JsonDocument.Parse(await _cli.OutputOfAsync("user", "disable", "alice", "--json")))
            json.RootElement.GetProperty("disabled_at").GetDateTimeOffset().ShouldBeGreaterThan(DateTimeOffset.UnixEpoch);
        (await _cli.OutputOfAsync("user", "list")).ShouldContain("disabled");
        (await _cli.RunAsync("user", "enable", "alice")).Errors.ShouldContain("Enabled alice");
        (await _cli.OutputOfAsync("user", "show", "alice", "--json")).ShouldNotContain("disabled_at");
        (await _cli.RunWithAsync("a quite different sentence\n", "user", "reset", "alice", "--password-stdin")).Errors.ShouldContain("new password");
        (await _cli.RunWithAsync("password1\n", "user", "reset", "alice", "--password-stdin")).ShouldBeFailure(2, "everybody tries first", "four words");
        foreach (var verb in (string[])["show", "disable", "enable"])
            (await _cli.RunAsync("user", verb, "bob")).ShouldBeFailure(1, "There is no user bob", "proofkey user list");
        (await _cli.RunWithAsync("a quite different sentence\n", "user", "reset", "bob", "--password-stdin")).ShouldBeFailure(1, "There is no user bob", "proofkey user list");
        (await _cli.OutputOfAsync("audit-log", "--json")).ShouldContain("password-reset");
    }

    [Fact]
    public async Task Grants_are_listed_and_revoked_by_id_or_by_person()
    {
        (await _cli.RunWithAsync("correct horse battery\n", "user", "add", "alice", "--password-stdin")).ExitCode.ShouldBe(0);
        (await _cli.OutputOfAsync("grant", "list", "--user", "alice", "--json")).ShouldBe("[]");
        (await _cli.OutputOfAsync("grant", "list", "--all")).ShouldContain("last used");
        (await _cli.OutputOfAsync("grant", "revoke", "--user", "alice", "--json")).ShouldBe("{\"revoked\":0}");
        (await _cli.RunAsync("grant", "revoke")).ShouldBeFailure(2, "which sign-ins", "--user NAME");
        (await _cli.RunAsync("grant", "revoke", "0011", "--user", "alice")).ShouldBeFailure(2, "which sign-ins", "--user NAME");
        (await _cli.RunAsync("grant", "revoke", "--client", "x")).ShouldBeFailure(2, "which sign-ins", "--user NAME");
        (await _cli.RunAsync("grant", "revoke", "0011")).ShouldBeFailure(1, "There is no grant 0011", "proofkey grant list");
        (await _cli.RunAsync("grant", "list", "--user", "bob")).ShouldBeFailure(1, "There is no user bob", "proofkey user list");
    }

    [Fact]
    public async Task A_password_that_is_too_short_is_refused_and_never_repeated()
    {
        var outcome = await _cli.RunWithAsync("short7\n", "user", "add", "alice", "--password-stdin");
        outcome.ShouldBeFailure(2, "8");
        outcome.Errors.ShouldNotContain("short7");
    }

    [Fact]
    public async Task A_data_folder_is_the_owners_alone()
    {
        await _cli.OutputOfAsync("database", "migrate");
        File.GetUnixFileMode(_cli.Data).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var file in Directory.EnumerateFiles(_cli.Data)) (File.GetUnixFileMode(file) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)).ShouldBe(UnixFileMode.None, file);
    }

    [Fact]
    public async Task A_data_folder_that_cannot_be_is_named_with_the_remedy()
    {
        var file = _cli.Write("a-file", "");
        (await _cli.RunAsync("database", "migrate", "--data", Path.Combine(file, "data"))).ShouldBeFailure(1, "a-file", "--data DIR");
        (await _cli.RunAsync("serve", "--data", Path.Combine(file, "data"))).ShouldBeFailure(1, "a-file", "--data DIR");
    }

    [Fact]
    public async Task A_lost_or_damaged_root_key_is_never_replaced_in_silence()
    {
        await _cli.OutputOfAsync("database", "migrate");
        var key = Path.Combine(_cli.Data, "root.key");
        File.Move(key, key + ".away");
        (await _cli.RunAsync("client", "list")).ShouldBeFailure(1, "root.key is missing", "backup");
        await File.WriteAllTextAsync(key, "short", TestContext.Current.CancellationToken);
        (await _cli.RunAsync("serve")).ShouldBeFailure(1, "is not a root key", "backup");
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_reported_and_left_as_it_is()
    {
        await _cli.OutputOfAsync("database", "migrate");
        var database = Path.Combine(_cli.Data, "proofkey.db");
        foreach (var beside in Directory.EnumerateFiles(_cli.Data, "proofkey.db-*")) File.Delete(beside);
        var text = new string('x', 8192);
        await File.WriteAllTextAsync(database, text, TestContext.Current.CancellationToken);
        (await _cli.RunAsync("client", "list")).ShouldBeFailure(1, "not a ProofKey database", "backup");
        (await File.ReadAllTextAsync(database, TestContext.Current.CancellationToken)).ShouldBe(text);
    }
}

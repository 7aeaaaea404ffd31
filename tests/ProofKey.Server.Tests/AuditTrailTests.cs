using System.Net;
using ProofKey.Server.Accounts;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Who got or lost access, when, and from where.</summary>
[Assertion("UI-22")]
public sealed class AuditTrailTests
{
    private static async Task<List<AuditEntry>> EntriesAsync(RunningServer server, string? kind = null) =>
        [.. await server.Registry.ReadAuditTrailAsync(new AuditFilter { Kind = kind }, null, TestContext.Current.CancellationToken)];

    private static async Task<string> SubjectOf(RunningServer server, string name) => (await server.Registry.FindAccountAsync(name, CancellationToken.None))!.Subject;

    [Fact]
    public async Task A_whole_life_is_told_in_order_with_person_client_and_address()
    {
        await using var server = await RunningServer.StartAsync();
        server.Time.Advance(TimeSpan.FromSeconds(1));
        var client = await server.AddClientAsync();
        server.Time.Advance(TimeSpan.FromSeconds(1));
        using var person = server.NewPerson();
        var request = new AuthorizeUrl(server, client).Set("scope", "openid offline_access");
        var consent = await person.SubmitAsync(await person.SignInFormAsync(request), ("username", RunningServer.UserName), ("password", RunningServer.Password));
        server.Time.Advance(TimeSpan.FromSeconds(1));
        var answer = Person.AnswerOf(await person.SubmitAsync(await Person.FormOf(consent), ("decision", "allow")));
        var tokens = await server.RedeemAsync(client, request, answer["code"]);
        await server.RefreshAsync(client, tokens.Text("refresh_token"));
        server.Time.Advance(TimeSpan.FromSeconds(1));
        await server.RevokeAsync(client, tokens.Text("refresh_token"));
        await server.RevokeAsync(client, tokens.Text("refresh_token"));
        server.Time.Advance(TimeSpan.FromSeconds(1));
        (await server.Registry.RemoveAccountAsync(RunningServer.UserName, CancellationToken.None)).ShouldBeTrue();
        server.Time.Advance(TimeSpan.FromSeconds(1));
        (await server.Registry.RemoveClientAsync(client.Id)).ShouldBeTrue();
        (await server.Registry.RemoveClientAsync(client.Id)).ShouldBeFalse();

        var entries = await EntriesAsync(server);
        entries.Select(entry => entry.Kind).ShouldBe(["user-added", "client-added", "signed-in", "consent-given", "grant-revoked", "user-removed", "client-removed"], "refreshes are not here, and nothing twice");
        entries.ShouldAllBe(entry => entry.Count == 1);
        foreach (var entry in entries.Where(entry => entry.Kind is "signed-in" or "consent-given" or "grant-revoked"))
        {
            entry.Subject.ShouldBe(entries[0].Subject);
            entry.ClientId.ShouldBe(client.Id);
            entry.Address.ShouldBe("127.0.0.1");
        }
        entries.Single(entry => entry.Kind == "consent-given").Detail.ShouldBe("openid offline_access");
        entries.Single(entry => entry.Kind == "client-added").Detail.ShouldBe("Test client");
    }

    [Fact]
    public async Task Signing_in_once_more_in_the_same_session_is_no_new_access()
    {
        await using var server = await RunningServer.StartAsync();
        using var person = server.NewPerson();
        var client = await server.AddClientAsync();
        await person.AuthorizeAsync(new AuthorizeUrl(server, client));
        await person.AuthorizeAsync(new AuthorizeUrl(server, client).Set("prompt", "login"));
        (await EntriesAsync(server, "signed-in")).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Failed_sign_ins_are_one_row_an_hour_for_each_account_and_no_typed_name_is_kept()
    {
        await using var server = await RunningServer.StartAsync();
        using var person = server.NewPerson();
        var form = await person.SignInFormAsync(new AuthorizeUrl(server, await server.AddClientAsync()));
        Task<HttpResponseMessage> TryAsync(string name) => person.PostOnceAsync(form, [("username", name), ("password", "wrong password")]);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => TryAsync("ALICE")));
        foreach (var typed in (string[])["hunter2-my-real-password", "nobody", ""]) await TryAsync(typed);
        server.Time.Advance(TimeSpan.FromHours(1));
        form = await person.SignInFormAsync(new AuthorizeUrl(server, await server.AddClientAsync()));
        (await TryAsync("alice")).StatusCode.ShouldBe(HttpStatusCode.BadRequest);

        var failed = await EntriesAsync(server, "sign-in-failed");
        failed.Select(entry => (entry.UserName, entry.Count)).ShouldBe([("alice", 3), (null, 3), ("alice", 1)], ignoreOrder: true);
        failed.ShouldAllBe(entry => entry.Address == "127.0.0.1");
        failed.Single(entry => entry.UserName is null).Detail.ShouldBe("unknown name");
        foreach (var file in Directory.GetFiles(server.Folder, "proofkey.db*"))
            (await DatabaseText(file)).ShouldNotContain("hunter2");
    }

    private static async Task<string> DatabaseText(string file)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream, System.Text.Encoding.Latin1);
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task The_first_try_too_many_is_a_lock_and_only_that_one()
    {
        await using var server = await RunningServer.StartAsync();
        using var person = server.NewPerson();
        var form = await person.SignInFormAsync(new AuthorizeUrl(server, await server.AddClientAsync()));
        for (var i = 0; i < PasswordSignIn.MaxTries; i++) await server.Service<AccountStore>().CountPasswordTryAsync(RunningServer.UserName, PasswordSignIn.TryWindow);
        for (var i = 0; i < 3; i++) await person.PostOnceAsync(form, [("username", RunningServer.UserName), ("password", "wrong password")]);
        (await EntriesAsync(server, "account-locked")).ShouldHaveSingleItem().Subject.ShouldBe(await SubjectOf(server, RunningServer.UserName));
    }

    [Fact]
    public async Task A_code_that_comes_back_is_told_once()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync();
        using var person = server.NewPerson();
        var request = new AuthorizeUrl(server, client);
        var code = (await person.AuthorizeAsync(request))["code"];
        for (var i = 0; i < 3; i++) await server.RedeemAsync(client, request, code);
        var entry = (await EntriesAsync(server, "code-reused")).ShouldHaveSingleItem();
        (entry.ClientId, entry.UserName, entry.Address).ShouldBe((client.Id, RunningServer.UserName, "127.0.0.1"));
        entry.Detail!.Length.ShouldBe(32, "the grant's id");
    }

    [Fact]
    public async Task A_refresh_token_that_comes_late_or_is_stolen_is_told()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync();
        var first = (await server.SignInAsync(client, "openid offline_access")).Text("refresh_token");
        var second = (await server.RefreshAsync(client, first)).Text("refresh_token");
        server.Time.Advance(TimeSpan.FromMinutes(1));
        (await server.RefreshAsync(client, first)).Status.ShouldBe(HttpStatusCode.OK);
        (await EntriesAsync(server, "refresh-token-late")).ShouldHaveSingleItem();
        server.Time.Advance(TimeSpan.FromMinutes(1));
        (await server.RefreshAsync(client, second)).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await server.RefreshAsync(client, second)).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await EntriesAsync(server, "refresh-token-reused")).ShouldHaveSingleItem().ClientId.ShouldBe(client.Id);
    }

    [Fact]
    public async Task A_refresh_token_that_comes_late_moves_nothing_while_that_cannot_be_recorded()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync();
        var first = (await server.SignInAsync(client, "openid offline_access")).Text("refresh_token");
        var second = (await server.RefreshAsync(client, first)).Text("refresh_token");
        server.Time.Advance(TimeSpan.FromMinutes(1));
        await server.Service<Database>().WriteAsync($"alter table audit_event rename to audit_event_gone");
        (await server.RefreshAsync(client, first)).Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        await server.Service<Database>().WriteAsync($"alter table audit_event_gone rename to audit_event");
        (await server.RefreshAsync(client, second)).Status.ShouldBe(HttpStatusCode.OK, "its successor was not superseded");
        (await EntriesAsync(server, "refresh-token-late")).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_cannot_be_recorded_does_not_happen()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync();
        var tokens = await server.SignInAsync(client, "openid offline_access");
        await server.Service<Database>().WriteAsync($"alter table audit_event rename to audit_event_gone");

        (await server.RevokeAsync(client, tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        using var person = server.NewPerson();
        var form = await person.SignInFormAsync(new AuthorizeUrl(server, client));
        (await person.PostOnceAsync(form, [("username", RunningServer.UserName), ("password", RunningServer.Password)])).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        person.CookieOf(server, Sessions.SessionCookie).ShouldBeNull();
        await Should.ThrowAsync<DatabaseException>(() => server.AddClientAsync());
        await Should.ThrowAsync<DatabaseException>(() => server.Registry.RemoveClientAsync(client.Id));
        await Should.ThrowAsync<DatabaseException>(() => server.Registry.RemoveAccountAsync(RunningServer.UserName, CancellationToken.None));

        await server.Service<Database>().WriteAsync($"alter table audit_event_gone rename to audit_event");
        (await server.Registry.ListClientsAsync(CancellationToken.None)).ShouldHaveSingleItem().Id.ShouldBe(client.Id);
        (await server.RefreshAsync(client, tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK, "nothing was revoked and nobody removed");
    }

    [Fact]
    public async Task Entries_are_kept_for_400_days_and_read_in_pages()
    {
        await using var server = await RunningServer.StartAsync();
        var trail = server.Service<AuditTrail>();
        for (var i = 0; i < AuditTrail.PageSize + 20; i++) await trail.RecordAsync(new AuditEvent("client-added") { ClientId = $"client{i:000}" });
        var filter = new AuditFilter { Kind = "client-added" };
        var first = await server.Registry.ReadAuditTrailAsync(filter, null, CancellationToken.None);
        first.Count.ShouldBe(AuditTrail.PageSize);
        var rest = await server.Registry.ReadAuditTrailAsync(filter, first[^1], CancellationToken.None);
        first.Concat(rest).Select(entry => entry.ClientId).Distinct().Count().ShouldBe(AuditTrail.PageSize + 20);
        (await server.Registry.ReadAuditTrailAsync(filter, rest[^1], CancellationToken.None)).ShouldBeEmpty();

        server.Time.Advance(TimeSpan.FromDays(400));
        await server.CleanAsync();
        (await EntriesAsync(server)).ShouldNotBeEmpty("they are 400 days old and no older");
        server.Time.Advance(TimeSpan.FromSeconds(1));
        await server.CleanAsync();
        (await EntriesAsync(server)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7")]
    [InlineData("198.51.100.9", "198.51.100.9", "198.51.100.9")]
    public void An_address_is_whole_in_the_trail_and_a_network_where_it_counts(string sent, string whole, string network)
    {
        var context = new Microsoft.AspNetCore.Http.DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(sent);
        Http.ClientAddress.Whole(context).ShouldBe(whole);
        Http.ClientAddress.Of(context).ShouldBe(network);
    }
}

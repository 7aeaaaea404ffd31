using System.Net;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Accounts;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Concurrency;

/// <summary>A server that stops where a test says, and an operator beside it, on the same database, who does not.</summary>
public sealed class PausingTokenServer : TokenServer, IAsyncDisposable
{
    private Database _beside = null!;

    internal PausingDataSource Pauses { get; private set; } = null!;

    internal AccountStore Accounts { get; private set; } = null!;

    internal ClientStore Clients { get; private set; } = null!;

    internal SessionStore Sessions { get; private set; } = null!;

    internal GrantStore Grants { get; private set; } = null!;

    /// <summary>The digest of <see cref="RunningServer.Password"/>, made once: it is slow on purpose.</summary>
    internal string PasswordHash { get; private set; } = null!;

    private protected override async Task<RunningServer> StartAsync()
    {
        var server = await RunningServer.StartAsync(configure: options => options.DataSource = Pauses = new PausingDataSource(options.DataSource!));
        _beside = new Database(DataFolder.Open(server.Folder).CreateDataSource(), DatabaseDialect.Sqlite);
        (Accounts, Clients) = (new AccountStore(_beside, new LogoutOutbox(_beside), server.Time), new ClientStore(_beside, server.Time));
        Sessions = new SessionStore(_beside, new LogoutOutbox(_beside), server.Service<ServerOptions>());
        Grants = new GrantStore(_beside, server.Service<AccountSource>());
        PasswordHash = server.Service<PasswordSignIn>().Hash(RunningServer.Password);
        return server;
    }

    public new async ValueTask DisposeAsync()
    {
        await _beside.DisposeAsync();
        await base.DisposeAsync();
    }
}

/// <summary>
/// What ends a sign-in meets a request that still uses it, in both orders: the end commits between the request's checks and its write, or
/// between its write and its answer. After the end has been answered, nothing of that sign-in works.
/// </summary>
public sealed class EndingRaceTests(PausingTokenServer at) : IClassFixture<PausingTokenServer>
{
    private const int Rounds = 200;

    private readonly ClientLog _log = new(at.Server);

    public enum Ending
    {
        AccountDisabled,
        PasswordChanged,
        ClientRemoved,
        LoggedOut,
    }

    public static TheoryData<Ending, Side> Races => new MatrixTheoryData<Ending, Side>([Ending.AccountDisabled, Ending.PasswordChanged, Ending.ClientRemoved, Ending.LoggedOut], [Side.Before, Side.After]);

    [Theory, MemberData(nameof(Races))]
    [Assertion("RT-08")]
    [Assertion("TK-15")]
    public async Task A_redemption_that_meets_the_end_gives_nothing_that_works(Ending ending, Side order)
    {
        using var person = at.Server.NewPerson();
        for (var round = 0; round < Rounds; round++)
        {
            var world = await NewWorldAsync(ending, person);
            var code = await at.CodeAsync(world.Client, "openid", person, world.Account.Name);
            var answer = await MeetAsync(order, () => _log.RedeemAsync(code), () => _log.EndAsync(code, () => EndAsync(ending, world)));
            await ShouldBeDeadAsync(code, answer, order, ending);
            (await _log.RedeemAsync(code)).Status.ShouldNotBe(HttpStatusCode.OK);
        }
        SafetyInvariants.Broken(_log.Entries).ShouldBeEmpty();
    }

    [Theory, MemberData(nameof(Races))]
    [Assertion("RT-08")]
    [Assertion("RT-11")]
    public async Task A_refresh_that_meets_the_end_gives_nothing_that_works(Ending ending, Side order)
    {
        using var person = at.Server.NewPerson();
        for (var round = 0; round < Rounds; round++)
        {
            var world = await NewWorldAsync(ending, person);
            var code = await at.CodeAsync(world.Client, "openid", person, world.Account.Name);
            var first = await _log.RedeemAsync(code);
            var answer = await MeetAsync(order, () => _log.RefreshAsync(code, first.Text("refresh_token")), () => _log.EndAsync(code, () => EndAsync(ending, world)));
            await ShouldBeDeadAsync(code, answer, order, ending);
            (await _log.RefreshAsync(code, first.Text("refresh_token"))).Status.ShouldNotBe(HttpStatusCode.OK);
            (await _log.UserinfoAsync(code, first.Text("access_token"))).Status.ShouldBe(HttpStatusCode.Unauthorized);
        }
        SafetyInvariants.Broken(_log.Entries).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(Side.Before)]
    [InlineData(Side.After)]
    [Assertion("RT-11")]
    public async Task A_refresh_that_meets_a_revocation_gives_nothing_that_works(Side order)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var code = await at.CodeAsync(scope: "openid offline_access");
            var token = (await _log.RedeemAsync(code)).Text("refresh_token");
            var (id, now) = (RefreshToken(token), at.Server.Time.Now);
            var answer = await MeetAsync(order, () => _log.RefreshAsync(code, token), () => _log.EndAsync(code, async () => (await at.Grants.RevokeAsync(id, now, new AuditEvent("grant-revoked"))).ShouldBeTrue()));
            await ShouldBeDeadAsync(code, answer, order, null);
        }
        SafetyInvariants.Broken(_log.Entries).ShouldBeEmpty();
    }

    private byte[] RefreshToken(string token) => Protocol.RefreshToken.Open(token, at.Server.Service<Keys.KeyRing>())!.GrantId;

    // The request stops at the point, the end is made and answered, the request goes on.
    private async Task<JsonAnswer> MeetAsync(Side order, Func<Task<JsonAnswer>> request, Func<Task> end)
    {
        var point = order == Side.Before ? at.Pauses.StopBeforeWriting() : at.Pauses.StopAfterCommit();
        try
        {
            var asked = request();
            await point.Reached;
            await end();
            point.Release();
            return await asked;
        }
        finally
        {
            point.Release();
        }
    }

    private async Task ShouldBeDeadAsync(IssuedCode code, JsonAnswer answer, Side order, Ending? ending)
    {
        if (order == Side.Before)
        {
            answer.Error.ShouldBe(ending == Ending.ClientRemoved ? "invalid_client" : "invalid_grant", $"{ending} came first");
            return;
        }
        // It was kept before the end came; nothing that it says is worth anything now.
        answer.Status.ShouldBe(HttpStatusCode.OK, $"{ending} came later: {answer.Body}");
        var again = await _log.RefreshAsync(code, answer.Text("refresh_token"));
        again.Error.ShouldBe(ending == Ending.ClientRemoved ? "invalid_client" : "invalid_grant");
        (await _log.UserinfoAsync(code, answer.Text("access_token"))).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private sealed record World(Account Account, RegisteredClient Client, string SessionCookie);

    // A new account, client and session where the end would take the old one from the next round.
    private async Task<World> NewWorldAsync(Ending ending, Person person)
    {
        var account = new Account { Subject = Secret.NewText(16), Name = "p" + Secret.NewText(8), Epoch = 1, CreatedAt = at.Server.Time.Now };
        (await at.Accounts.AddAsync(account, at.PasswordHash, new AuditEvent("user-added"))).ShouldBeTrue();
        var client = ending == Ending.ClientRemoved ? await at.AddClientAsync() : at.Client;
        return new World(account, client, await at.Server.SignInAsync(person, account.Name));
    }

    private Task EndAsync(Ending ending, World world) => ending switch
    {
        Ending.AccountDisabled => at.Accounts.DisableAsync(world.Account.Subject).AsTask(),
        Ending.PasswordChanged => at.Accounts.SetPasswordAsync(world.Account.Subject, at.PasswordHash),
        Ending.ClientRemoved => at.Clients.RemoveAsync(world.Client.Id, new AuditEvent("client-removed")).AsTask(),
        _ => at.Sessions.EndAsync(SessionStore.KeyOf(world.SessionCookie), at.Server.Time.Now).AsTask(),
    };
}

using ProofKey.Cli.Hosting;
using ProofKey.Server;
using ProofKey.Server.Storage;

namespace ProofKey.Chaos.Support;

/// <summary>Somebody who has signed in, in a browser that keeps one cookie.</summary>
internal sealed record SignedInPerson(string Subject, string Cookie);

/// <summary>Whoever runs the servers: works beside them on the same database, whether they live or not.</summary>
internal sealed class Operator : IAsyncDisposable
{
    public const string UserName = "alice";
    public const string Password = "correct horse battery staple";
    public const string RedirectUri = "https://app.example/callback";

    private readonly Administration _administration;
    private readonly Database _database;
    private readonly AccountStore _accounts;
    private readonly SessionStore _sessions;
    private readonly TimeProvider _time;

    private Operator(Administration administration, Database database, TimeProvider time)
    {
        (_administration, _database, _time) = (administration, database, time);
        var outbox = new LogoutOutbox(database);
        (_accounts, _sessions) = (new AccountStore(database, outbox, time), new SessionStore(database, outbox, new ServerOptions()));
    }

    /// <summary>The client that everybody uses.</summary>
    public RegisteredClient Client { get; private set; } = null!;

    /// <summary>One that gets hold of tokens which are not its own.</summary>
    public RegisteredClient Other { get; private set; } = null!;

    public Registry Registry => _administration.Registry;

    public KeyRegistry Keys => _administration.Keys;

    /// <summary>Makes the tables, and registers one person with a password and two clients.</summary>
    public static async Task<Operator> OpenAsync(DataPlace data, TimeProvider? time = null)
    {
        var administration = await Administration.OpenAsync(data, CancellationToken.None);
        var self = new Operator(administration, new Database(data.CreateDataSource(), data.Dialect), time ?? TimeProvider.System);
        await self.Registry.AddAccountAsync(UserName, Password, null, isAdmin: false);
        self.Client = await self.AddClientAsync();
        self.Other = await self.AddClientAsync();
        return self;
    }

    /// <summary>Registers a client that needs no page once a person has signed in.</summary>
    public async Task<RegisteredClient> AddClientAsync() =>
        (await Registry.AddClientAsync(new ClientRegistration { Name = "Chaos", IsPublic = true, RedirectUris = [RedirectUri], IsFirstParty = true, UsesDevices = true })).Client;

    /// <summary>Adds an account that is signed in already; nobody types its password.</summary>
    public async Task<SignedInPerson> NewPersonAsync()
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds());
        var account = new Account { Subject = Secret.NewText(16), Name = "p" + Secret.NewText(8), Epoch = 1, CreatedAt = now };
        (await _accounts.AddAsync(account, "none", new AuditEvent("user-added"))).ShouldBeTrue();
        var cookie = Secret.NewText();
        await _sessions.AddAsync(new BrowserSession(Secret.NewId(now), SessionStore.KeyOf(cookie), account.Subject, account.Name, account.Epoch, now, "pwd", now.AddHours(12), now) { Acr = "urn:proofkey:acr:password" });
        return new SignedInPerson(account.Subject, "proofkey-session=" + cookie);
    }

    /// <summary>Takes a person's access.</summary>
    public async Task DisableAsync(SignedInPerson person) => (await _accounts.DisableAsync(person.Subject)).ShouldBeTrue();

    public async ValueTask DisposeAsync()
    {
        await _administration.DisposeAsync();
        await _database.DisposeAsync();
    }
}

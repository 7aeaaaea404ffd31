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

    private readonly DataPlace _data;
    private readonly TimeProvider _time;
    private Administration _administration = null!;
    private Database _database = null!;
    private AccountStore _accounts = null!;
    private SessionStore _sessions = null!;

    private Operator(DataPlace data, TimeProvider time) => (_data, _time) = (data, time);

    /// <summary>The client that everybody uses.</summary>
    public RegisteredClient Client { get; private set; } = null!;

    /// <summary>One that gets hold of tokens which are not its own.</summary>
    public RegisteredClient Other { get; private set; } = null!;

    public Registry Registry => _administration.Registry;

    public KeyRegistry Keys => _administration.Keys;

    /// <summary>Makes the tables, and registers one person with a password and two clients.</summary>
    public static async Task<Operator> OpenAsync(DataPlace data, TimeProvider? time = null)
    {
        SuiteWitness.OfThisSuite.Key("root key", data.RootKey);
        SuiteWitness.OfThisSuite.Secret("password", Password);
        var self = new Operator(data, time ?? TimeProvider.System);
        await self.ConnectAsync();
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
        SuiteWitness.OfThisSuite.Secret("session cookie", cookie);
        await _sessions.AddAsync(new BrowserSession(Secret.NewId(now), SessionStore.KeyOf(cookie), account.Subject, account.Name, account.Epoch, now, "pwd", now.AddHours(12), now) { Acr = "urn:proofkey:acr:password" });
        return new SignedInPerson(account.Subject, "proofkey-session=" + cookie);
    }

    /// <summary>Takes a person's access.</summary>
    public async Task DisableAsync(SignedInPerson person) => (await _accounts.DisableAsync(person.Subject, new AuditEvent("user-disabled") { Subject = person.Subject })).ShouldBeTrue();

    /// <summary>Lets go of the database while something is done to it that needs it alone.</summary>
    public async Task StandAsideAsync(Func<Task> work)
    {
        await DisposeAsync();
        await work();
        await ConnectAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _administration.DisposeAsync();
        await _database.DisposeAsync();
    }

    private async Task ConnectAsync()
    {
        _administration = await Administration.OpenAsync(_data, CancellationToken.None);
        _database = new Database(_data.CreateDataSource(), _data.Dialect);
        var outbox = new LogoutOutbox(_database);
        (_accounts, _sessions) = (new AccountStore(_database, outbox, _time), new SessionStore(_database, outbox, new ServerOptions()));
    }
}

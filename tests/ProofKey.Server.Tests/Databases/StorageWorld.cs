using Microsoft.Extensions.DependencyInjection;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;
using ProofKey.Tests.PostgreSql;

namespace ProofKey.Server.Tests.Databases;

/// <summary>A server's stores, without the server.</summary>
internal sealed class Stores : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private Stores(ServiceProvider services) => _services = services;

    public Database Database => Of<Database>();

    public GrantStore Grants => Of<GrantStore>();

    public SessionStore Sessions => Of<SessionStore>();

    public AccountStore Accounts => Of<AccountStore>();

    public ClientStore Clients => Of<ClientStore>();

    public LogoutOutbox Outbox => Of<LogoutOutbox>();

    public static async Task<Stores> OpenAsync(DataPlace place, TimeProvider time)
    {
        var services = new ServiceCollection().AddSingleton(time).AddProofKeyServer(options =>
        {
            options.IssuerAddress = "http://127.0.0.1";
            options.DataSource = place.CreateDataSource();
            options.Dialect = place.Dialect;
            options.RootKey = place.RootKey;
        });
        var stores = new Stores(services.BuildServiceProvider());
        await stores.Of<Registry>().PrepareAsync(CancellationToken.None);
        await stores.Of<KeyRing>().LoadAsync(CancellationToken.None);
        return stores;
    }

    public T Of<T>() where T : notnull => _services.GetRequiredService<T>();

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}

/// <summary>Two servers' stores on one database.</summary>
public abstract class StorageWorld : IAsyncLifetime
{
    internal ManualTime Time { get; } = new() { RunsTimers = false };

    internal DataPlace Place { get; private set; } = null!;

    internal Stores One { get; private set; } = null!;

    internal Stores Other { get; private set; } = null!;

    internal DateTimeOffset Now => Time.Now;

    public virtual async ValueTask InitializeAsync()
    {
        Place = await NewPlaceAsync();
        One = await Stores.OpenAsync(Place, Time);
        Other = await Stores.OpenAsync(Place, Time);
    }

    public virtual async ValueTask DisposeAsync()
    {
        await One.DisposeAsync();
        await Other.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<DataPlace> NewPlaceAsync();

    /// <summary>A new person, client and session, and a grant of them that is not stored yet.</summary>
    internal async Task<SignIn> NewSignInAsync(bool hearsOfEnd = false)
    {
        var account = new Account { Subject = Secret.NewText(16), Name = "p" + Secret.NewText(8), Epoch = 1, CreatedAt = Now };
        (await One.Accounts.AddAsync(account, "hash", new AuditEvent("user-added"))).ShouldBeTrue();
        var client = new RegisteredClient { Id = Secret.NewText(8), Name = "Client", Scope = Scope.Parse("openid"), CreatedAt = Now, BackchannelLogoutUri = hearsOfEnd ? "https://app.example/end" : null };
        await One.Clients.AddAsync(client, new AuditEvent("client-added"));
        var session = new BrowserSession(Secret.NewId(Now), Secret.NewBytes(16), account.Subject, account.Name, 1, Now, "pwd", Now.AddHours(12), Now);
        await One.Sessions.AddAsync(session);
        return new SignIn(account, client, session, NewGrant(account, client, session, hearsOfEnd));
    }

    internal Grant NewGrant(Account account, RegisteredClient client, BrowserSession session, bool hearsOfEnd = false) => new()
    {
        Id = Secret.NewId(Now),
        ClientId = client.Id,
        Subject = account.Subject,
        Epoch = 1,
        SessionId = session.Id,
        Scope = Scope.Parse("openid"),
        AuthTime = Now,
        Amr = "pwd",
        SecretDigest = RefreshToken.DigestOf(SignIn.RowSecret),
        NotifiesLogout = hearsOfEnd,
        Sequence = 1,
        CreatedAt = Now,
        ExpiresAt = Now.AddHours(12),
    };
}

internal sealed record SignIn(Account Account, RegisteredClient Client, BrowserSession Session, Grant Grant)
{
    public static readonly byte[] RowSecret = new byte[RefreshToken.SecretLength];

    /// <summary>The refresh token of a number.</summary>
    public RefreshToken Token(long sequence) => new(Grant.Id, RowSecret, sequence);
}

/// <summary>In a file.</summary>
public sealed class SqliteWorld : StorageWorld
{
    private readonly StorageFolder _folder = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    private protected override Task<DataPlace> NewPlaceAsync() => Task.FromResult<DataPlace>(DataFolder.Open(_folder.Path));
}

/// <summary>In PostgreSQL.</summary>
public sealed class PostgreSqlWorld : StorageWorld
{
    internal string ConnectionString { get; private set; } = "";

    private protected override async Task<DataPlace> NewPlaceAsync() =>
        PostgreSqlPlace.Of(ConnectionString = await PostgreSqlCluster.NewDatabaseAsync(), Secret.NewBytes(RootKeyFile.Length));
}

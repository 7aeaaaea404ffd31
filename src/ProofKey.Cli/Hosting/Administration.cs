using ProofKey.Server;

namespace ProofKey.Cli.Hosting;

/// <summary>Opens the registry of a server, beside a server that may be running on the same database.</summary>
internal sealed class Administration : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private Administration(ServiceProvider services) => _services = services;

    /// <summary>The registry.</summary>
    public Registry Registry => _services.GetRequiredService<Registry>();

    /// <summary>The people and what they granted.</summary>
    public PeopleRegistry People => _services.GetRequiredService<PeopleRegistry>();

    /// <summary>The keys.</summary>
    public KeyRegistry Keys => _services.GetRequiredService<KeyRegistry>();

    /// <summary>The database as a whole.</summary>
    public DatabaseRegistry Database => _services.GetRequiredService<DatabaseRegistry>();

    /// <summary>Opens it, and makes the tables where there are none.</summary>
    /// <param name="data">Where the rows are.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <param name="mayUpgrade">Whether tables of an older version are brought up to date.</param>
    public static async Task<Administration> OpenAsync(DataPlace data, CancellationToken cancellation, bool mayUpgrade = false)
    {
        var services = new ServiceCollection().AddProofKeyServer(options =>
        {
            // Registering needs no issuer; the tables are the same for any.
            options.IssuerAddress = "http://127.0.0.1";
            options.DataSource = data.CreateDataSource();
            options.Dialect = data.Dialect;
            options.RootKey = data.RootKey;
        }).BuildServiceProvider();
        var administration = new Administration(services);
        try
        {
            if (mayUpgrade) await administration.Registry.PrepareAsync(cancellation);
            else await administration.Registry.PrepareNewAsync(cancellation);
        }
        catch
        {
            await administration.DisposeAsync();
            throw;
        }
        return administration;
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}

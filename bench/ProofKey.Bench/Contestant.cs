using System.Collections.Concurrent;

namespace ProofKey.Bench;

/// <summary>One server with one database, started, and with somebody signed in on each connection.</summary>
internal sealed class Contestant : IDisposable
{
    private readonly ServerProcess _server;
    private readonly string? _sqliteFile;
    private readonly IReadOnlyList<SignedInBrowser> _browsers;
    private readonly IssuerUnderLoad _issuer;
    private readonly LoadClient _client;
    private ConcurrentQueue<string> _grants = [];

    private Contestant(ContestantKind kind, ServerProcess server, string? sqliteFile, PostgresCluster? cluster, IssuerUnderLoad issuer, LoadClient client, IReadOnlyList<SignedInBrowser> browsers)
    {
        (Kind, _server, _sqliteFile, Cluster, _issuer, _client, _browsers) = (kind, server, sqliteFile, cluster, issuer, client, browsers);
    }

    public ContestantKind Kind { get; }

    public PostgresCluster? Cluster { get; }

    /// <summary>The memory of the server alone.</summary>
    public double ResidentMegabytes => _server.Tree.ResidentMegabytes;

    /// <summary>Starts the server, and the database where it has processes of its own.</summary>
    /// <param name="kind">Which server, with which database.</param>
    /// <param name="program">Our program.</param>
    /// <param name="folder">Where files may be left; the caller removes it.</param>
    /// <param name="connections">How many people sign in, each in a browser of their own.</param>
    public static async Task<Contestant> StartAsync(ContestantKind kind, string program, string folder, int connections)
    {
        folder = Directory.CreateDirectory(Path.Combine(folder, kind.Name)).FullName;
        var cluster = kind.OnPostgres ? await PostgresCluster.StartAsync() : null;
        var (server, sqliteFile, client) = kind.IsOurs ? await StartOursAsync(program, folder, cluster) : await StartPeerAsync(kind, folder, cluster);
        var issuer = await IssuerUnderLoad.DiscoverAsync(server.Issuer);
        var browsers = new List<SignedInBrowser>();
        for (var i = 0; i < connections; i++)
            browsers.Add(await SignedInBrowser.SignInAsync(issuer, client, ProofKeyProgram.People[i % ProofKeyProgram.People.Count], ProofKeyProgram.Password));
        return new Contestant(kind, server, sqliteFile, cluster, issuer, client, browsers);
    }

    /// <summary>Measures sign-ins or refreshes.</summary>
    /// <param name="operation">Which.</param>
    /// <param name="operations">How many.</param>
    /// <param name="spread">Whether each refresh is that of another grant, in no order, of those signed in before; else each connection has one.</param>
    public Figure Measure(Operation operation, int operations, bool spread = false)
    {
        var flows = _browsers.Select(browser => new Flow(_issuer, _client, browser)).ToList();
        var grants = new ConcurrentQueue<string>(spread && operation == Operation.Refresh ? _grants.OrderBy(_ => Secret.NewText(8)) : []);
        // Each token is good for one refresh.
        _grants = operation == Operation.SignIn ? grants : [];
        Action<Flow> act = operation switch
        {
            Operation.SignIn when spread => flow => flow.SignInFor(grants),
            Operation.SignIn => flow => flow.SignIn(),
            _ => flow => flow.RefreshNext(grants),
        };
        flows.ForEach(act);
        var before = Size();
        var measured = Load.Run(flows, operations, act, _server.Tree, Cluster?.Tree);
        var after = Size();
        flows.ForEach(flow => flow.Dispose());
        return new Figure(measured, (after.Rows - before.Rows) / (double?)measured.Operations, (after.Bytes - before.Bytes) / (double)measured.Operations);
    }

    /// <summary>Sees old refresh tokens refused. To be done last: a server may take back with them what the person agreed to.</summary>
    public void ReturnOldTokens()
    {
        var flows = _browsers.Select(browser => new Flow(_issuer, _client, browser)).ToList();
        foreach (var flow in flows)
        {
            flow.Refresh();
            flow.ReturnOldToken();
            flow.Dispose();
        }
    }

    public void Dispose()
    {
        _server.Dispose();
        Cluster?.Dispose();
    }

    private static async Task<(ServerProcess Server, string? SqliteFile, LoadClient Client)> StartOursAsync(string program, string folder, PostgresCluster? cluster)
    {
        var rootKey = Path.Combine(folder, "root.key");
        string[] place = cluster is null ? ["--data", folder] : ["--database", $"Host={cluster.Host};Username={PostgresCluster.User};Database={PostgresCluster.Database}", "--root-key-file", rootKey];
        if (cluster is not null) await File.WriteAllTextAsync(rootKey, Convert.ToHexString(Secret.NewBytes(32)));
        var proofKey = new ProofKeyProgram(program, place);
        var client = ProofKeyProgram.Client(await proofKey.PrepareAsync(), strictRotation: true);
        return (await proofKey.ServeAsync(strictRotation: true), cluster is null ? Path.Combine(folder, "proofkey.db") : null, client);
    }

    private static async Task<(ServerProcess Server, string? SqliteFile, LoadClient Client)> StartPeerAsync(ContestantKind kind, string folder, PostgresCluster? cluster)
    {
        var sqliteFile = cluster is null ? Path.Combine(folder, "peer.db") : null;
        return (await NodePeer.ServeAsync(sqliteFile, cluster, kind.SignsAccessTokens), sqliteFile, NodePeer.Client(kind.SignsAccessTokens));
    }

    // SQLite's file grows when what waits in the log is moved there; the log itself does not grow for ever. Its rows are not counted.
    private (long? Rows, long Bytes) Size() => Cluster is null ? (null, new FileInfo(_sqliteFile!).Length) : Cluster.Size();
}

/// <summary>What is measured.</summary>
internal enum Operation
{
    SignIn,
    Refresh,
}

/// <summary>A server with a database.</summary>
/// <param name="Name">By which it is chosen on the command line.</param>
/// <param name="Server">Its name in tables.</param>
/// <param name="OnPostgres">Whether the database is PostgreSQL, else it is SQLite.</param>
/// <param name="SignsAccessTokens">Whether access tokens are signed, as ours always are.</param>
internal sealed record ContestantKind(string Name, string Server, bool OnPostgres, bool SignsAccessTokens)
{
    public static IReadOnlyList<ContestantKind> All { get; } =
    [
        new("proofkey-sqlite", "ProofKey", false, true),
        new("node-sqlite", "node-oidc-provider", false, true),
        new("node-sqlite-opaque", "node-oidc-provider, opaque", false, false),
        new("proofkey-postgres", "ProofKey", true, true),
        new("node-postgres", "node-oidc-provider", true, true),
        new("node-postgres-opaque", "node-oidc-provider, opaque", true, false),
    ];

    /// <summary>Which build of ours it is, when several take part.</summary>
    public string? Label { get; init; }

    public string Title => Label is null ? Server : $"{Server}, {Label}";

    public bool IsOurs => Server == "ProofKey";

    public string Database => OnPostgres ? "PostgreSQL" : "SQLite";

    /// <summary>Those whose names are given, with commas between them, or all.</summary>
    public static IReadOnlyList<ContestantKind> Choose(string? names) =>
        names is null ? All : [.. names.Split(',').Select(name => All.FirstOrDefault(kind => kind.Name == name) ?? throw new ArgumentException($"{name} is not one of {string.Join(", ", All.Select(kind => kind.Name))}."))];
}

/// <summary>One measurement with what the database grew by for each operation; rows are counted on PostgreSQL alone.</summary>
internal sealed record Figure(Measured Measured, double? Rows, double Bytes);

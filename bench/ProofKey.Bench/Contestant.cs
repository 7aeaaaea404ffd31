using System.Collections.Concurrent;
using System.Globalization;
using ProofKey.Cli.Hosting;

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
    private IntrospectionEnds? _introspection;
    private IReadOnlyList<Introspection> _apis = [];

    private Contestant(ContestantKind kind, ServerProcess server, string? sqliteFile, PostgresCluster? cluster, IssuerUnderLoad issuer, LoadClient client, IReadOnlyList<SignedInBrowser> browsers)
    {
        (Kind, _server, _sqliteFile, Cluster, _issuer, _client, _browsers) = (kind, server, sqliteFile, cluster, issuer, client, browsers);
    }

    /// <summary>Where its files are.</summary>
    public required string Folder { get; init; }

    /// <summary>Our own program, with which an operator would look after the server; nothing where it is a peer.</summary>
    public ProofKeyProgram? Program { get; private init; }

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
        var proofKey = kind.IsOurs ? await OursAsync(program, folder, cluster) : null;
        var (server, sqliteFile, client) = proofKey is not null ? await StartOursAsync(proofKey, folder, cluster) : await StartPeerAsync(kind, folder, cluster);
        var issuer = await IssuerUnderLoad.DiscoverAsync(server.Issuer);
        var browsers = new List<SignedInBrowser>();
        for (var i = 0; i < connections; i++)
            browsers.Add(await SignedInBrowser.SignInAsync(issuer, client, ProofKeyProgram.People[i % ProofKeyProgram.People.Count], ProofKeyProgram.Password));
        return new Contestant(kind, server, sqliteFile, cluster, issuer, client, browsers) { Folder = folder, Program = proofKey };
    }

    /// <summary>Transactions that the database has committed so far. PostgreSQL says so with a delay, SQLite at once.</summary>
    public long Commits() => Cluster?.Commits() ?? SqliteCommits();

    /// <summary>Measures sign-ins or refreshes.</summary>
    /// <param name="operation">Which.</param>
    /// <param name="operations">How many.</param>
    /// <param name="spread">Whether each refresh is that of another grant, in no order, of those signed in before; else each connection has one.</param>
    /// <param name="connections">Over how many connections; all of them, else.</param>
    public Figure Measure(Operation operation, int operations, bool spread = false, int? connections = null)
    {
        var flows = _browsers.Take(connections ?? _browsers.Count).Select(browser => new Flow(_issuer, _client, browser)).ToList();
        var grants = new ConcurrentQueue<string>(spread && operation == Operation.Refresh ? _grants.OrderBy(_ => Secret.NewText(8)) : []);
        _grants = grants;
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
        return new Figure(measured, (after.Rows - before.Rows) / (double)measured.Operations, (after.Bytes - before.Bytes) / (double)measured.Operations);
    }

    /// <summary>Gets the access tokens that an API is going to ask about, each that of another grant.</summary>
    /// <param name="grants">How many on each connection.</param>
    public async Task PrepareIntrospectionAsync(int grants = 100)
    {
        var ends = _introspection ??= await Program!.PrepareIntrospectionAsync();
        _apis = [.. _browsers.Select(browser =>
        {
            using var flow = new Flow(_issuer, ends.Client, browser);
            return new Introspection(_issuer, ends, [.. Enumerable.Range(0, grants).Select(_ => flow.SignInForAccess())]);
        })];
    }

    /// <summary>Measures how an API asks about them.</summary>
    public Figure MeasureIntrospection(int operations)
    {
        var before = Size();
        var measured = Load.Run(_apis, operations, api => api.Ask(), _server.Tree, Cluster?.Tree);
        var after = Size();
        return new Figure(measured, (after.Rows - before.Rows) / (double)measured.Operations, (after.Bytes - before.Bytes) / (double)measured.Operations);
    }

    /// <summary>Sees that an API is told at once what ended a grant, and goes.</summary>
    public void EndIntrospection()
    {
        using var flow = new Flow(_issuer, _introspection!.Client, _browsers[0]);
        var token = flow.SignInForAccess();
        _apis[0].Ask(token, isGood: true);
        flow.Refresh();
        flow.ReturnOldToken();
        _apis[0].Ask(token, isGood: false);
        foreach (var api in _apis) api.Dispose();
        _apis = [];
    }

    /// <summary>How often the server asks PostgreSQL and waits, for one of each: a second server of the same build is asked, with somebody in between who counts.</summary>
    public async Task<(double SignIn, double Refresh, double Introspection)> CountRoundTripsAsync(int operations)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Folder, "between")).FullName;
        using var between = new RoundTrips(Cluster!.Host, folder);
        using var server = await Program!.At("--database", PostgresCluster.ConnectionStringAt(folder), "--root-key-file", RootKeyIn(Folder)).ServeAsync(strictRotation: true);
        var issuer = await IssuerUnderLoad.DiscoverAsync(server.Issuer);
        var browser = await SignedInBrowser.SignInAsync(issuer, _client, ProofKeyProgram.People[0], ProofKeyProgram.Password);
        using var flow = new Flow(issuer, _client, browser);
        using var forApi = new Flow(issuer, _introspection!.Client, browser);
        using var api = new Introspection(issuer, _introspection, [forApi.SignInForAccess()]);
        return (Each(flow.SignIn), Each(flow.Refresh), Each(api.Ask));

        double Each(Action act)
        {
            // The first ones prepare their statements.
            for (var i = 0; i < 20; i++) act();
            var before = between.Count;
            for (var i = 0; i < operations; i++) act();
            return (between.Count - before) / (double)operations;
        }
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

    /// <summary>Our own program with a database: of its own, or in a PostgreSQL that runs.</summary>
    public static async Task<ProofKeyProgram> OursAsync(string program, string folder, PostgresCluster? cluster)
    {
        if (cluster is null) return new ProofKeyProgram(program, "--data", folder);
        await File.WriteAllTextAsync(RootKeyIn(folder), Convert.ToHexString(Secret.NewBytes(32)));
        return new ProofKeyProgram(program, "--database", cluster.ConnectionString, "--root-key-file", RootKeyIn(folder));
    }

    public void Dispose()
    {
        _server.Dispose();
        Cluster?.Dispose();
    }

    private static string RootKeyIn(string folder) => Path.Combine(folder, "root.key");

    private static async Task<(ServerProcess Server, string? SqliteFile, LoadClient Client)> StartOursAsync(ProofKeyProgram proofKey, string folder, PostgresCluster? cluster)
    {
        var client = ProofKeyProgram.Client(await proofKey.PrepareAsync(), strictRotation: true);
        return (await proofKey.ServeAsync(strictRotation: true), cluster is null ? Path.Combine(folder, "proofkey.db") : null, client);
    }

    private static async Task<(ServerProcess Server, string? SqliteFile, LoadClient Client)> StartPeerAsync(ContestantKind kind, string folder, PostgresCluster? cluster)
    {
        var sqliteFile = cluster is null ? Path.Combine(folder, "peer.db") : null;
        return (await NodePeer.ServeAsync(sqliteFile, cluster, kind.SignsAccessTokens), sqliteFile, NodePeer.Client(kind.SignsAccessTokens));
    }

    // The index of the log counts them: https://sqlite.org/walformat.html#the_wal_index_header, iChange.
    private long SqliteCommits()
    {
        using var index = new FileStream(_sqliteFile! + "-shm", FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        Span<byte> header = stackalloc byte[12];
        index.ReadExactly(header);
        return BitConverter.ToUInt32(header[8..]);
    }

    // SQLite's file grows when what waits in the log is moved there; the log itself does not grow for ever.
    private (long Rows, long Bytes) Size() => Cluster?.Size() ?? (SqliteRows(), new FileInfo(_sqliteFile!).Length);

    private long SqliteRows()
    {
        using var source = DataFolder.SourceOf(_sqliteFile!);
        using var connection = source.OpenConnection();
        List<string> Ask(string sql)
        {
            using var command = connection.CreateCommand();
#pragma warning disable CA2100 // constants, and the names of tables
            command.CommandText = sql;
#pragma warning restore CA2100
            using var reader = command.ExecuteReader();
            var answers = new List<string>();
            while (reader.Read()) answers.Add(reader.GetString(0));
            return answers;
        }
        var tables = Ask("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'");
        return tables.Sum(table => long.Parse(Ask($"select cast(count(*) as text) from \"{table}\"")[0], CultureInfo.InvariantCulture));
    }
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

/// <summary>One measurement with what the database grew by for each operation.</summary>
internal sealed record Figure(Measured Measured, double Rows, double Bytes);

using System.Data.Common;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server;

/// <summary>
/// The settings of the server. All problems are listed together when it starts, and it does not start with any. The issuer is a setting,
/// never computed from a request.
/// </summary>
public sealed class ServerOptions
{
    private string _issuer = "";

    /// <summary>The address that names this server: https, or http on a loopback host. Required. Tokens and answers carry it to the character.</summary>
    public string IssuerAddress
    {
        get => _issuer;
        set
        {
            _issuer = value ?? "";
            ParsedIssuer = Issuer.TryParse(_issuer, out var issuer, out _) ? issuer : null;
        }
    }

    /// <summary>Where rows go. Required. The server owns and disposes it.</summary>
    public DbDataSource? DataSource { get; set; }

    /// <summary>What kind of database that is. Default: SQLite.</summary>
    public DatabaseDialect Dialect { get; set; } = DatabaseDialect.Sqlite;

    /// <summary>The 32 random bytes that wrap all other keys. Required; keep them apart from the database's backups.</summary>
    public byte[] RootKey { get; set; } = [];

    /// <summary>How long a code can be redeemed: 10 s to 10 min, default 60 s (RFC 6749 section 4.1.2 recommends 10 min at most).</summary>
    public TimeSpan CodeLifetime { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the reference of a pushed request may take to come to the authorization endpoint: 5 s to 10 min, default 60 s (RFC 9126 section 2.2).</summary>
    public TimeSpan PushedRequestLifetime { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Whether every authorization request must be pushed first (RFC 9126 section 5). Default: off; single clients can be registered so.</summary>
    public bool RequirePushedRequests { get; set; }

    /// <summary>How long a device may wait for a person's decision: 1 to 10 min, default 5 min. A code that somebody talks a person into entering has no longer to find one.</summary>
    public TimeSpan DeviceCodeLifetime { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long an access token is good: 1 min to 1 h, default 10 min. A revocation reaches other APIs after this time at the latest.</summary>
    public TimeSpan AccessTokenLifetime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>The absolute end of a grant with <c>offline_access</c>: 1 h to 400 days, default 30 days. Rotation never extends it.</summary>
    public TimeSpan RefreshLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long a grant may go without a refresh: 1 h to 400 days, default 14 days.</summary>
    public TimeSpan RefreshIdleLifetime { get; set; } = TimeSpan.FromDays(14);

    /// <summary>The absolute end of a browser session: 5 min to 30 days, default 12 h.</summary>
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromHours(12);

    /// <summary>How long a browser session may go unused: 5 min to 30 days, default 2 h.</summary>
    public TimeSpan SessionIdleLifetime { get; set; } = TimeSpan.FromHours(2);

    /// <summary>
    /// How long a signing key is in use before its successor is: 1 to 400 days, default 90 days. The successor is published a day before,
    /// and the old key stays published at least a day after.
    /// </summary>
    public TimeSpan SigningKeyLifetime { get; set; } = TimeSpan.FromDays(90);

    /// <summary>
    /// Rotate at each refresh and tolerate no lost answer. Default: off, which keeps parallel processes and lost answers from signing
    /// people out, and still finds a copied token.
    /// </summary>
    public bool StrictRotation { get; set; }

    /// <summary>How long after a rotation the same token is answered again: 1 to 60 s, default 10 s. It bears clocks of replicas that differ by less. Not used with <see cref="StrictRotation"/>.</summary>
    public TimeSpan RotationLeeway { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long entries of the audit trail are kept: 1 day to 10 years, default 400 days.</summary>
    public TimeSpan AuditRetention { get; set; } = TimeSpan.FromDays(400);

    /// <summary>
    /// How many failed tries at a password or a device's code an IPv4 address, or a /64 of IPv6, has a minute in this process: 5 to 1,000,000, default 60.
    /// An office may share one address. Each account has a limit of its own besides.
    /// </summary>
    public int TriesPerMinute { get; set; } = 60;

    /// <summary>How many refused requests an address has a minute at each endpoint for programs: 5 to 1,000,000, default 300. Good requests are not counted.</summary>
    public int RefusalsPerMinute { get; set; } = 300;

    /// <summary>How many requests an address has a minute at each endpoint where every request adds a row: 5 to 1,000,000, default 1,200. A long one counts as several.</summary>
    public int RequestsPerMinute { get; set; } = 1200;

    internal Http.ProofPlaces ProofPlaces { get; set; } = new();

    internal Issuer? ParsedIssuer { get; private set; }

    internal Issuer Issuer => ParsedIssuer ?? throw new InvalidOperationException("The issuer is not set.");

    internal RotationPolicy Rotation => StrictRotation
        ? new(TimeSpan.Zero, TimeSpan.Zero, RefreshIdleLifetime)
        : new(RotationLeeway, TimeSpan.FromDays(7), RefreshIdleLifetime);

    /// <summary>Checks every setting.</summary>
    /// <exception cref="ArgumentException">One or more settings are wrong; the message lists them all.</exception>
    internal void Validate()
    {
        var problems = Problems().ToList();
        if (problems.Count > 0) throw new ArgumentException($"The server's settings need mending:{string.Concat(problems.Select(problem => $"\n  - {problem}"))}");
    }

    private IEnumerable<string> Problems()
    {
        if (!Issuer.TryParse(IssuerAddress, out _, out var problem)) yield return $"{nameof(IssuerAddress)}: {problem}";
        if (DataSource is null) yield return $"{nameof(DataSource)}: say where the database is.";
        if (RootKey.Length != Keys.RootKey.Length) yield return $"{nameof(RootKey)}: {Keys.RootKey.Length} random bytes are needed, and {RootKey.Length} were given.";
        foreach (var (name, value) in new[] { (nameof(TriesPerMinute), TriesPerMinute), (nameof(RefusalsPerMinute), RefusalsPerMinute), (nameof(RequestsPerMinute), RequestsPerMinute) })
            if (value is < 5 or > 1_000_000) yield return $"{name}: {value} is not between 5 and 1,000,000.";
        foreach (var (name, value, least, most) in Ranges())
            if (value < least || value > most) yield return $"{name}: {value} is not between {least} and {most}.";
    }

    private (string Name, TimeSpan Value, TimeSpan Least, TimeSpan Most)[] Ranges() =>
    [
        (nameof(CodeLifetime), CodeLifetime, TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(10)),
        (nameof(PushedRequestLifetime), PushedRequestLifetime, TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(10)),
        (nameof(DeviceCodeLifetime), DeviceCodeLifetime, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10)),
        (nameof(AccessTokenLifetime), AccessTokenLifetime, TimeSpan.FromMinutes(1), TimeSpan.FromHours(1)),
        (nameof(RefreshLifetime), RefreshLifetime, TimeSpan.FromHours(1), TimeSpan.FromDays(400)),
        (nameof(RefreshIdleLifetime), RefreshIdleLifetime, TimeSpan.FromHours(1), TimeSpan.FromDays(400)),
        (nameof(SessionLifetime), SessionLifetime, TimeSpan.FromMinutes(5), TimeSpan.FromDays(30)),
        (nameof(SessionIdleLifetime), SessionIdleLifetime, TimeSpan.FromMinutes(5), TimeSpan.FromDays(30)),
        (nameof(SigningKeyLifetime), SigningKeyLifetime, TimeSpan.FromDays(1), TimeSpan.FromDays(400)),
        (nameof(AuditRetention), AuditRetention, TimeSpan.FromDays(1), TimeSpan.FromDays(3653)),
        (nameof(RotationLeeway), RotationLeeway, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60)),
    ];
}

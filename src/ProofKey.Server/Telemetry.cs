using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace ProofKey.Server;

/// <summary>
/// What the server tells whoever watches it: a meter and an activity source named <c>ProofKey.Server</c>. No tag holds an id, an address or a secret,
/// and each has few values. Where nobody listens it costs next to nothing.
/// </summary>
internal static class Telemetry
{
    public const string Name = "ProofKey.Server";

    private static readonly ActivitySource Activities = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> SignIns = Meter.CreateCounter<long>("proofkey.sign_ins", "{sign-in}", "Sign-ins with credentials, by outcome.");
    private static readonly Counter<long> Codes = Meter.CreateCounter<long>("proofkey.codes", "{code}", "Authorization codes issued.");
    private static readonly Counter<long> Tokens = Meter.CreateCounter<long>("proofkey.tokens", "{answer}", "Token answers, by grant type.");
    private static readonly Counter<long> Refusals = Meter.CreateCounter<long>("proofkey.refusals", "{request}", "Refused requests, by endpoint and error code.");
    private static readonly Counter<long> Reuses = Meter.CreateCounter<long>("proofkey.reuses", "{event}", "Codes and refresh tokens that came back, by kind.");
    private static readonly Counter<long> Revocations = Meter.CreateCounter<long>("proofkey.revocations", "{grant}", "Grants that a client revoked.");
    private static readonly Counter<long> Waits = Meter.CreateCounter<long>("proofkey.rate_limited", "{request}", "Requests answered with 429, by endpoint.");
    private static readonly UpDownCounter<long> Hashes = Meter.CreateUpDownCounter<long>("proofkey.password_hashes", "{hash}", "Password hashes that run or wait.");
    private static readonly Histogram<double> Writes = Meter.CreateHistogram<double>("proofkey.database.commit.duration", "s", "How long commits take.");
    private static readonly Histogram<int> Batches = Meter.CreateHistogram<int>("proofkey.database.batch.size", "{write}", "How many writes share a commit.");

    /// <summary>Whether anybody wants spans.</summary>
    public static bool HasListeners => Activities.HasListeners();

    /// <summary>Begins a span; <see langword="null"/> where nobody listens. The name is one of ours, never a part of a request.</summary>
    public static Activity? Span(string name, ActivityKind kind = ActivityKind.Internal) => Activities.HasListeners() ? Activities.StartActivity(name, kind) : null;

    /// <summary>Begins a span on another thread than its parent.</summary>
    public static Activity? Span(string name, ActivityContext parent) => Activities.HasListeners() ? Activities.StartActivity(name, ActivityKind.Internal, parent) : null;

    public static void SignIn(string outcome) => SignIns.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public static void CodeIssued() => Codes.Add(1);

    public static void TokensIssued(string grantType) => Tokens.Add(1, new KeyValuePair<string, object?>("grant_type", grantType));

    public static void Refused(string endpoint, string error) => Refusals.Add(1, new("endpoint", endpoint), new("error", error));

    public static void Reused(string kind) => Reuses.Add(1, new KeyValuePair<string, object?>("kind", kind));

    public static void Revoked() => Revocations.Add(1);

    public static void Slowed(string endpoint) => Waits.Add(1, new KeyValuePair<string, object?>("endpoint", endpoint));

    public static void HashesChanged(int by) => Hashes.Add(by);

    /// <summary>The start of a commit, to be handed to <see cref="Committed"/>.</summary>
    public static long CommitBegins() => Writes.Enabled ? Stopwatch.GetTimestamp() : 0;

    public static void Committed(long begun, int writes)
    {
        if (begun == 0) return;
        Writes.Record(Stopwatch.GetElapsedTime(begun).TotalSeconds);
        Batches.Record(writes);
    }
}

using System.Diagnostics;

namespace ProofKey.Client;

/// <summary>What a trace shows of this library, under the name <c>ProofKey.Client</c>: how long a person took, and how long a renewal did. Nothing in it can hold a secret.</summary>
internal static class Spans
{
    private static readonly ActivitySource Source = new("ProofKey.Client");

    /// <summary>The span of ours that is open; another library's is not ours to write into.</summary>
    public static Activity? Current => Activity.Current is { } open && open.Source == Source ? open : null;

    /// <summary>Begins a span; it ends when it is disposed.</summary>
    public static Activity? Start(string name) => Source.StartActivity(name);

    /// <summary>Says in the span that is open how it went.</summary>
    /// <param name="span">The span, if anybody listens.</param>
    /// <param name="outcome">A stable code.</param>
    /// <param name="isGood">Whether that is what was wanted.</param>
    public static void End(this Activity? span, string outcome, bool isGood)
    {
        span?.SetTag("proofkey.outcome", outcome);
        if (!isGood) span?.SetStatus(ActivityStatusCode.Error);
    }
}

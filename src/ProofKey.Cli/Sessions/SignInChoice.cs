using ProofKey.Client;

namespace ProofKey.Cli.Sessions;

/// <summary>What was said about one sign-in.</summary>
internal sealed record SignInChoice
{
    /// <summary>The road that was asked for; otherwise the surroundings decide.</summary>
    public SignInRoad? Road { get; init; }

    /// <summary>What an API asks of this sign-in, if it was said.</summary>
    public StepUp? StepUp { get; init; }

    /// <summary>Whether keys may be read, where a terminal is.</summary>
    public bool MayAsk { get; init; } = true;

    /// <summary>Whether a QR code was asked for.</summary>
    public bool ShowsQr { get; init; }
}

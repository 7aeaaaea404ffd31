using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace ProofKey.Client.Extensions;

/// <summary>Tells the log and the meter what a client tells.</summary>
internal sealed class ClientReport
{
    /// <summary>The name of the meter, of the activity source and of the log category.</summary>
    public const string Name = "ProofKey.Client";

    private readonly ILogger _logger;
    private readonly Counter<long> _signIns;
    private readonly Counter<long> _refreshes;
    private readonly Counter<long> _signOuts;
    private readonly Counter<long> _ignored;

    public ClientReport(ILoggerFactory loggers, IMeterFactory meters)
    {
        _logger = loggers.CreateLogger(Name);
        var meter = meters.Create(Name);
        _signIns = meter.CreateCounter<long>("proofkey.client.sign_ins", description: "Sign-ins that ended.");
        _refreshes = meter.CreateCounter<long>("proofkey.client.refreshes", description: "Renewals of a session.");
        _signOuts = meter.CreateCounter<long>("proofkey.client.sign_outs", description: "Sessions that were signed out.");
        _ignored = meter.CreateCounter<long>("proofkey.client.ignored_requests", description: "Requests at the loopback address that were not the answer.");
    }

    /// <summary>Takes one event of a client.</summary>
    public void Take(string client, ClientEvent happened)
    {
        Count(client, happened);
        Write(client, happened);
    }

    private void Count(string client, ClientEvent happened)
    {
        var (counter, tag, value) = happened switch
        {
            ClientEvent.SignInEnded ended => (_signIns, "outcome", ended.Outcome),
            ClientEvent.TokensRefreshed => (_refreshes, "outcome", "ok"),
            ClientEvent.RefreshFailed failed => (_refreshes, "outcome", failed.Code),
            ClientEvent.SignedOut signedOut => (_signOuts, "revoked", signedOut.Revoked ? "true" : "false"),
            ClientEvent.RequestIgnored ignored => (_ignored, "reason", ignored.Reason.ToString()),
            _ => (null, "", ""),
        };
        counter?.Add(1, new("client", client), new(tag, value));
    }

    private void Write(string client, ClientEvent happened)
    {
        switch (happened)
        {
            case ClientEvent.MetadataRead read: Log.MetadataRead(_logger, client, read.Issuer, read.Pkce); break;
            case ClientEvent.SignInStarted started: Log.SignInStarted(_logger, client, started.RedirectUri); break;
            case ClientEvent.WaitingForTurn: Log.WaitingForTurn(_logger, client); break;
            case ClientEvent.FolderOnNetwork shared: Log.FolderOnNetwork(_logger, client, shared.FileSystem); break;
            case ClientEvent.BrowserLaunched { Opened: false }: Log.NoBrowser(_logger, client); break;
            case ClientEvent.RequestIgnored ignored: Log.RequestIgnored(_logger, client, ignored.Reason); break;
            case ClientEvent.OtherScopeGranted scope: Log.OtherScopeGranted(_logger, client, scope.Asked, scope.Granted); break;
            case ClientEvent.SignInEnded { Outcome: "signed_in" }: Log.SignedIn(_logger, client); break;
            case ClientEvent.SignInEnded ended: Log.NotSignedIn(_logger, client, ended.Outcome); break;
            case ClientEvent.SessionReplaced replaced: Log.SessionReplaced(_logger, client, replaced.ClientId, replaced.Issuer); break;
            case ClientEvent.TokensRefreshed refreshed: Log.TokensRefreshed(_logger, client, refreshed.ExpiresAt); break;
            case ClientEvent.RefreshFailed { SessionKept: true } failed: Log.RefreshFailed(_logger, client, failed.Code); break;
            case ClientEvent.RefreshFailed ended: Log.SessionEnded(_logger, client, ended.Code); break;
            case ClientEvent.SignedOut signedOut: Log.SignedOut(_logger, client, signedOut.Revoked); break;
            default: Log.Other(_logger, client, happened); break;
        }
    }
}

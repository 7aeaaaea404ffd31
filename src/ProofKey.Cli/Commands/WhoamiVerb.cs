using System.Text.Json;
using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;
using ProofKey.Client;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey whoami</c>: who is signed in, as the server tells now.</summary>
internal sealed class WhoamiVerb : SessionVerb
{
    public WhoamiVerb()
        : base("whoami", "Say who is signed in.", "proofkey whoami", "proofkey whoami -p work --json") => Add(CommonOptions.Json);

    protected override async Task<int> RunAsync(Invocation invocation, OpenProfile open)
    {
        var session = await open.SessionAsync(invocation.Cancellation);
        var claims = await Person.ClaimsAsync(session, mustLive: true, invocation.Cancellation, why => invocation.Terminal.Say($"The server did not tell, since {PlainText.Of(why.Actual)}; this is of the sign-in."));
        if (invocation.Settings.Flag(CommonOptions.Json)) invocation.Terminal.Write(CliJson.Text(Shown(open, session, claims), CliJson.Default.ShownPerson));
        else Print(open, session, claims, invocation.Terminal);
        return ExitCodes.Done;
    }

    private static ShownPerson Shown(OpenProfile open, Session session, JsonElement claims) => new(
        open.Profile.Name,
        session.Issuer.Value,
        session.ClientId,
        session.Subject,
        session.Scope.ToString(),
        session.ExpiresAt,
        session.CanRefresh,
        session.IsBound,
        BackendOf(open),
        claims.ValueKind == JsonValueKind.Object ? claims : null);

    private static string? BackendOf(OpenProfile open) => open.Client.Options.Store.BackendOf(open.Profile.Name);

    private static void Print(OpenProfile open, Session session, JsonElement claims, Terminal terminal)
    {
        (string Label, string? Value)[] lines =
        [
            ("name", Person.NameIn(claims)),
            ("e-mail", Person.Text(claims, "email")),
            ("subject", session.Subject),
            ("issuer", session.Issuer.Value),
            ("client id", session.ClientId),
            ("scope", session.Scope.ToString()),
            ("profile", open.Profile.Name),
            ("token", $"until {TimeText.Of(session.ExpiresAt)} ({TimeText.Relative(session.ExpiresAt, TimeProvider.System.GetUtcNow())})"),
            ("renewable", session.CanRefresh ? "yes" : "no"),
            ("bound", session.IsBound ? "yes" : "no"),
            ("kept with", BackendOf(open)?.Replace('_', ' ')),
        ];
        foreach (var (label, value) in lines)
            if (value is { Length: > 0 }) terminal.Write($"{label,-11}{PlainText.Of(value)}", indent: 11);
    }
}

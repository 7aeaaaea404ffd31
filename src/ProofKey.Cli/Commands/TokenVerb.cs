using System.CommandLine;
using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;
using ProofKey.Client;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey token</c>: prints a fresh access token, in the form that another program reads.</summary>
internal sealed class TokenVerb : SessionVerb
{
    // Git adds get, store or erase; nobody types it.
    private readonly Argument<string?> _request = new("REQUEST") { Arity = ArgumentArity.ZeroOrOne, Hidden = true };
    private readonly Option<string> _output = new("--output", "-o")
    {
        HelpName = "FORM",
        Description = "token, the bare one; header, for curl -H; json; env, export ACCESS_TOKEN=… for a shell; exec-credential, for kubectl; git, for its credential.helper; curl-config, for curl --config -. Without it: token.",
    };

    private readonly Option<string[]> _for = new("--for") { HelpName = "URL", Description = "With -o git: the git server that may have the token. Any other gets none." };
    private readonly Option<bool> _show = new("--show") { Description = "Print it on a terminal too, where others may see it." };
    private readonly Option<bool> _interactive = new("--interactive") { Description = "Ask the person to sign in again when the session has ended." };

    // Of them counts what is set for every sign-in; none is an option here.
    private readonly RoadOptions _roads = new();

    private GitRequest? _asked;

    public TokenVerb()
        : base(
            "token",
            "Print a fresh access token; it is refreshed when need be.",
            "proofkey token | proofkey decode -",
            "proofkey token -o curl-config | curl --config - https://api.example.com/orders",
            "curl -H \"$(proofkey token -o header)\" https://api.example.com/orders",
            "proofkey token -p work --min-valid 5m -o json",
            "git config --global credential.https://git.example.com.helper '!proofkey token -o git --for https://git.example.com'")
    {
        Add(_request);
        foreach (var option in (Option[])[CommonOptions.MinValid, CommonOptions.Resource, _output, _for, _show, _interactive]) Add(option);
    }

    public override IReadOnlyList<Option> TypedAlone => [CommonOptions.Resource];

    // The key of that name is of login: the APIs to sign in for.
    public override IReadOnlyList<Option> OfAnotherVerb => [CommonOptions.Resource];

    // Who asks for another server's password is no reason to open a session.
    protected override async Task<int> RunAsync(Invocation invocation) => await IsForUsAsync(invocation) ? await base.RunAsync(invocation) : ExitCodes.Done;

    protected override async Task<int> RunAsync(Invocation invocation, OpenProfile open)
    {
        var form = FormOf(invocation);
        if (invocation.Terminal.OutIsTerminal && !invocation.Settings.Flag(_show))
            throw CommandException.Usage("A token is a secret, and others may see this screen.", "Hand it on, as in: proofkey token | proofkey decode -; or say --show.");
        var kubernetes = form == TokenForm.ExecCredential ? AskedByKubernetes() : null;
        var (session, token) = await FreshAsync(invocation, open);
        SayWhatItLacks(invocation, session, token);
        var shown = new TokenForm(token.Reveal(), token.Type, token.ExpiresAt, session.Scope.ToString());
        invocation.Terminal.Write(kubernetes is not null ? shown.ForKubernetes(kubernetes.ApiVersion) : _asked is not null ? shown.ForGit(_asked) : shown.Text(form));
        return ExitCodes.Done;
    }

    protected override bool MayAsk(Invocation invocation) => base.MayAsk(invocation) && (FormOf(invocation) != TokenForm.ExecCredential || AskedByKubernetes().MayAsk);

    protected override TimeSpan? TimeoutOf(Invocation invocation) => AsksAPerson(invocation) ? _roads.Timeout(invocation.Settings) : null;

    private bool AsksAPerson(Invocation invocation) => MayAsk(invocation) && invocation.Settings.Flag(_interactive);

    private static KubernetesRequest AskedByKubernetes() => KubernetesRequest.Of(Environment.GetEnvironmentVariable(KubernetesRequest.Variable));

    private string FormOf(Invocation invocation) => invocation.Settings.Choice(_output, TokenForm.Words);

    private async Task<bool> IsForUsAsync(Invocation invocation)
    {
        var request = invocation.Parsed.GetValue(_request);
        if (FormOf(invocation) != TokenForm.Git)
            return request is null ? true : throw CommandException.Usage($"Unrecognized command or argument '{PlainText.Of(request)}'.", "See: proofkey token --help");
        var servers = invocation.Settings.Texts(_for).Select(OriginOf).ToList();
        if (request is null || servers.Count == 0) throw CommandException.Usage("With -o git it must be said what git asks, and which server may have the token.", "Let git run it: git config credential.URL.helper '!proofkey token -o git --for URL'");
        _asked = await StandardInput.ReadAsync(GitRequest.Read, invocation.Cancellation);
        var isOurs = servers.Contains(_asked.Origin);
        // Nothing is kept that could be erased; the next request gets a fresh token when this one ends.
        if (request == "erase" && isOurs) invocation.Terminal.Say($"{_asked.Origin} did not take the token of profile {invocation.ProfileName}.");
        return request == "get" && isOurs;
    }

    private static string OriginOf(string server) => GitRequest.TryOrigin(server, out var origin) ? origin
        : throw CommandException.Usage("--for is the address of a server, https or on this machine, without a path.", "Write it such as --for https://git.example.com");

    private async Task<(Session Session, AccessToken Token)> FreshAsync(Invocation invocation, OpenProfile open)
    {
        var session = AsksAPerson(invocation)
            ? await open.Client.GetSessionAsync(cancel => SignInAsync(invocation, open, cancel), invocation.Cancellation)
            : await open.SessionAsync(invocation.Cancellation);
        return (session, await TokenAsync(invocation, open.Profile, session));
    }

    private async Task<Session> SignInAsync(Invocation invocation, OpenProfile open, CancellationToken cancellation)
    {
        var session = await new InteractiveSignIn(open.Client, invocation.Terminal, _roads.ChoiceOfEveryDay(invocation.Settings)).RunAsync(cancellation);
        var (profiles, silentAt) = (Profiles.Of(invocation.Settings), session.Stored.SilentAt);
        // Read again: while a person was waited for, another command may have changed it.
        var known = profiles.Find(open.Profile.Name);
        // A server that named itself at the last sign-in may not have done so at this one.
        if (known is null || (known.Issuer == open.Profile.Issuer && known.SilentAt != silentAt)) profiles.Remember((known ?? open.Profile) with { SilentAt = silentAt });
        return session;
    }
}

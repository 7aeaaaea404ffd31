using System.CommandLine;
using System.Text.Json;
using ProofKey.Cli.Configuration;
using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;
using ProofKey.Client;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey login</c>: signs a person in, in a browser here or elsewhere.</summary>
internal sealed class LoginVerb : Verb
{
    private readonly Argument<string?> _issuer = new("ISSUER") { Arity = ArgumentArity.ZeroOrOne, Description = "The server's address. May be left out for a profile that signed in before." };
    private readonly Option<string> _clientId = new("--client-id") { HelpName = "ID", Description = "The id of a public client with the redirect URI http://127.0.0.1/callback." };
    private readonly Option<string> _scope = new("--scope") { HelpName = "SCOPE", Description = $"What to ask for, with spaces between. Without it: {Profile.DefaultScope}." };
    private readonly Option<string[]> _resource = new("--resource") { HelpName = "URL", Description = "The API that the token is for, as the server knows it; may be repeated where the server grants several at once. A profile remembers it." };
    private readonly Option<string> _acrValues = new("--acr-values") { HelpName = "VALUES", Description = "Kinds of sign-in, with spaces between, of which one must be it: what an API asked for." };
    private readonly Option<string> _maxAge = new("--max-age") { HelpName = "TIME", Description = "How long ago the person may have signed in, such as 5m; 0s asks for a new sign-in." };
    private readonly Option<bool> _dpop = new("--dpop") { Description = "Bind the tokens to a key of this session (DPoP): then proofkey call can use them, and nobody else. A profile remembers it; --dpop=false takes it back." };
    private readonly RoadOptions _roads = new();

    public LoginVerb()
        : base(
            "login",
            "Sign in, in a browser here or elsewhere.",
            "proofkey login http://127.0.0.1:8080 --client-id CLIENT_ID",
            "proofkey login https://login.example.com --client-id CLIENT_ID --scope \"openid orders.read\" -p work",
            "proofkey login -p work",
            "proofkey login -p work --device --qr",
            "proofkey login https://login.example.com --client-id CLIENT_ID --dpop")
    {
        Add(_issuer);
        foreach (var option in (IEnumerable<Option>)[_clientId, _scope, _resource, _dpop, _acrValues, _maxAge, CommonOptions.Profile, .. _roads.All, CommonOptions.Json, .. CommonOptions.Keeping]) Add(option);
    }

    private static readonly string[] MetadataPaths = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

    // How long a session that was replaced is worth waiting for.
    private static readonly TimeSpan Courtesy = TimeSpan.FromSeconds(5);

    // What is asked of one sign-in is not asked of all, a device code is asked for by whoever types the command, and client add has options of the same name, and so their variables.
    public override IReadOnlyList<Option> TypedAlone => [_dpop, _acrValues, _maxAge, .. _roads.TypedAlone];

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var profiles = Profiles.Of(invocation.Settings);
        var chosen = ChosenStore.Of(invocation.Settings, profiles.Find(invocation.ProfileName));
        var profile = ProfileOf(invocation, profiles).KeptIn(chosen);
        var store = await chosen.OpenAsync(profiles.FolderOf(profile.Name), invocation.Terminal, isNew: !profiles.HasSession(profile.Name), !invocation.Settings.Flag(CommonOptions.NoInput), invocation.Cancellation);
        await using var client = profile.CreateClient(store, _roads.Timeout(invocation.Settings), Narration.On(invocation.Terminal), profiles.SilentServers());
        await using var former = await KeptSession.FindAsync(client.Options, invocation.Cancellation);
        if (former is not null) SayWhosePlaceItTakes(invocation, profile, former.Session);
        var session = await SignInAsync(invocation, profile, client, profiles.Find(profile.Name));
        // What is not kept must not hide a session that is.
        var hasOther = chosen.Kind == "memory" && profiles.HasSession(profile.Name);
        if (!hasOther) profiles.Remember(profile with { SilentAt = session.Stored.SilentAt });
        var claims = await Person.ClaimsAsync(session, mustLive: false, invocation.Cancellation);
        invocation.Terminal.Say($"Signed in as {PlainText.Of(Person.NameOf(claims, session))} ({PlainText.Of(session.Subject ?? "no subject")}) at {session.Issuer}; profile {profile.Name}.");
        if (chosen.Kind == "memory") invocation.Terminal.Say(hasOther ? $"Nothing was kept: profile {profile.Name} has the session that it had before." : "Nothing was kept: the session ends with this command.");
        if (invocation.Settings.Flag(CommonOptions.Json)) invocation.Terminal.Write(CliJson.Text(Shown(profile, session, claims), CliJson.Default.SignedInProfile));
        if (former is not null && IsOfAnother(former.Session, session)) await EndAsync(former.Session, invocation);
        return ExitCodes.Done;
    }

    // One profile has one session, and who signs in elsewhere may not think of the one that is there.
    private static void SayWhosePlaceItTakes(Invocation invocation, Profile profile, Session former)
    {
        if (former.Issuer.Value == profile.Issuer && former.ClientId == profile.ClientId) return;
        var there = $"Profile {profile.Name} is signed in at {former.Issuer} as the client {PlainText.Of(former.ClientId)}";
        if (invocation.Settings.Flag(CommonOptions.NoInput))
            throw CommandException.Usage($"{there}, and another session would take its place.", $"Give the new one a name of its own with -p NAME, or sign out first with: proofkey logout{profile.Option}");
        invocation.Terminal.Say($"{there}; this sign-in takes its place. To keep both, press Ctrl-C and give this one a name of its own with -p NAME.");
    }

    // Where it is the same person at the same client, some servers take a revocation for everything that the person gave it, the new session among that.
    private static bool IsOfAnother(Session former, Session session) =>
        !former.Issuer.Equals(session.Issuer) || former.ClientId != session.ClientId || (former.Subject is not null && session.Subject is not null && former.Subject != session.Subject);

    // Nobody has it any more, and its refresh token would live on at the server. The person is signed in, whatever becomes of that.
    private static async Task EndAsync(Session former, Invocation invocation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(invocation.Cancellation);
        limit.CancelAfter(Courtesy);
        string? problem;
        try
        {
            problem = await former.SignOutAsync(limit.Token) is { Revoked: false } left ? left.Problem ?? "" : null;
        }
        catch (Exception failed) when (failed is ClientException or OperationCanceledException)
        {
            problem = failed is ClientException client ? client.Actual : "";
        }
        invocation.Terminal.Say(problem is null ? $"The session of before at {former.Issuer} was asked to be ended there." : PlainText.Of($"The session of before at {former.Issuer} was not taken back there; it ends by itself. {problem}".TrimEnd()));
    }

    private async Task<Session> SignInAsync(Invocation invocation, Profile profile, PublicClient client, Profile? known)
    {
        var choice = _roads.Choice(invocation.Settings) with { StepUp = StepUpOf(invocation.Settings) };
        if (choice.MayAsk) return await new InteractiveSignIn(client, invocation.Terminal, choice).RunAsync(invocation.Cancellation);
        // Whether a session that is there is as asked, its server alone can say.
        if (choice.StepUp is not null) throw new CommandException(ExitCodes.SignInNeeded, "What --acr-values and --max-age ask of a sign-in a person must do, and --no-input asks nobody.", "Say the same without --no-input.");
        if (await client.FindSessionAsync(invocation.Cancellation) is not { } session)
            throw new CommandException(ExitCodes.SignInNeeded, "A person must sign in, and --no-input asks nobody.", $"Sign in with: {LoginCommand.For(profile, known)}");
        await session.GetAccessTokenAsync(cancel: invocation.Cancellation);
        return session;
    }

    private static SignedInProfile Shown(Profile profile, Session session, JsonElement claims) =>
        new(profile.Name, session.Issuer.Value, session.ClientId, session.Subject, Person.NameIn(claims), session.Scope.ToString(), session.ExpiresAt);

    // What is not said is as it was the last time, as long as it is the same server.
    private Profile ProfileOf(Invocation invocation, Profiles profiles)
    {
        var name = invocation.ProfileName;
        var known = profiles.Find(name);
        var issuer = invocation.Parsed.GetValue(_issuer) ?? known?.Issuer
            ?? throw CommandException.Usage("The server's address is needed.", "Give it, such as: proofkey login https://login.example.com --client-id ID");
        if (IssuerOfMetadata(issuer) is { } meant) throw CommandException.Usage("That is the address of a server's metadata.", $"Did you mean: proofkey login {CommandText.Argument(meant)}");
        if (!Issuer.TryParse(issuer, out _, out var problem)) throw CommandException.Usage(problem, "Give the server's address as it names itself, such as https://login.example.com");
        if (known?.Issuer != issuer) known = null;
        var scope = invocation.Settings.Text(_scope) ?? known?.Scope ?? Profile.DefaultScope;
        if (!Scope.TryParse(scope, out _)) throw CommandException.Usage("The scope has characters that a scope cannot have.", "Write the values with single spaces between, such as --scope \"openid profile\"");
        var dpop = invocation.Settings.Switch(_dpop) ?? known?.Dpop;
        return _roads.Apply(new Profile { Name = name, IsActive = profiles.IsMeant(name), Issuer = issuer, ClientId = ClientIdOf(invocation, known), Scope = scope, Resources = ResourcesOf(invocation.Settings, known), Dpop = dpop }, known, invocation.Settings);
    }

    // OpenID Connect Discovery section 4 puts it behind the issuer, RFC 8414 section 3 before its path
    private static string? IssuerOfMetadata(string address) =>
        MetadataPaths.FirstOrDefault(path => address.Contains(path, StringComparison.Ordinal)) is { } known ? address.Split('?', '#')[0].Replace(known, "", StringComparison.Ordinal) : null;

    // RFC 8707 section 2
    private IReadOnlyList<string>? ResourcesOf(Settings settings, Profile? known)
    {
        if (settings.Texts(_resource) is not { Count: > 0 } resources) return known?.Resources;
        return resources.All(one => !one.StartsWith('/') && Uri.TryCreate(one, UriKind.Absolute, out _) && !one.Contains('#', StringComparison.Ordinal)) && resources.Distinct().Count() == resources.Count ? resources
            : throw CommandException.Usage("--resource is an absolute address without #, and each is said once.", "Write it as the server knows the API, such as --resource https://api.example.com/");
    }

    private StepUp? StepUpOf(Settings settings)
    {
        var values = settings.Text(_acrValues)?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        TimeSpan? maxAge = settings.Text(_maxAge) is null ? null : settings.Duration(_maxAge, TimeSpan.Zero);
        if (values.Length == 0 && maxAge is null) return null;
        try
        {
            return new StepUp(values, maxAge);
        }
        catch (ArgumentException malformed)
        {
            throw CommandException.Usage("That is nothing to ask of a sign-in.", $"{malformed.Message.Split(" (Parameter")[0]}");
        }
    }

    // RFC 6749 appendix A.1: visible ASCII
    private string ClientIdOf(Invocation invocation, Profile? known)
    {
        var id = invocation.Settings.Text(_clientId) ?? known?.ClientId ?? invocation.Settings.Required(_clientId);
        return id.All(character => character is >= ' ' and <= '~') ? id : throw CommandException.Usage("A client id is printable ASCII.", "Give --client-id the id that was printed when the client was registered.");
    }
}

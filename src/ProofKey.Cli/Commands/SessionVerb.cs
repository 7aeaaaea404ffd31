using System.CommandLine;
using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;
using ProofKey.Client;

namespace ProofKey.Cli.Commands;

/// <summary>A profile that was found, and its client.</summary>
internal sealed record OpenProfile(Profile Profile, PublicClient Client)
{
    /// <summary>What is said of a session that ended because an answer was lost.</summary>
    public const string Interrupted = "The previous renewal was interrupted, and the server does not take its refresh token a second time.";

    /// <summary>The session of the profile.</summary>
    /// <exception cref="CommandException">Nobody is signed in.</exception>
    public async Task<Session> SessionAsync(CancellationToken cancellation) =>
        await Client.FindSessionAsync(cancellation) ?? throw Ended(Client.Vault.Interrupted is null ? "Nobody is signed in under this profile." : Interrupted);

    public CommandException Ended(string problem) => new(ExitCodes.SignInNeeded, problem, $"Sign in again with: {Profile.LoginCommand}");
}

/// <summary>A verb that works with the session of one profile.</summary>
internal abstract class SessionVerb : Verb
{
    protected SessionVerb(string name, string description, params string[] examples)
        : base(name, description, examples)
    {
        Add(CommonOptions.Profile);
        foreach (var option in (Option[])[.. CommonOptions.Keeping, CommonOptions.NoInput]) Add(option);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var profiles = Profiles.Of(invocation.Settings);
        var profile = ProfileOf(profiles, invocation.ProfileName);
        var folder = profiles.FolderOf(profile.Name);
        var store = await StoreOf(invocation, profile, folder).OpenAsync(folder, invocation.Terminal, isNew: false, MayAsk(invocation), invocation.Cancellation);
        await using var client = profile.CreateClient(store, TimeoutOf(invocation), onEvent: Narration.On(invocation.Terminal), silent: profiles.SilentServers());
        var open = new OpenProfile(profile, client);
        try
        {
            return await RunAsync(invocation, open);
        }
        catch (SignInRequiredException ended) when (ended.Reason is SignInRequiredReason.SessionEnded or SignInRequiredReason.SignedOut or SignInRequiredReason.NoSession)
        {
            throw open.Ended(ended.Code == "renewal_interrupted" ? OpenProfile.Interrupted : "The session has ended.");
        }
        // Who copies the remedy means this profile.
        catch (SignInRequiredException needed) when (Failure.Of(needed) is { Remedy: Failure.SignInAgain } failure)
        {
            throw new CommandException(failure.ExitCode, failure.Problem, $"Sign in again with: {profile.LoginCommand}", needed) { Help = failure.Help };
        }
        catch (TokenStoreException other) when (other.State == TokenStoreState.OtherClient)
        {
            var failure = Failure.Of(other);
            throw new CommandException(failure.ExitCode, failure.Problem, $"Sign in again with: {profile.LoginCommand}, which takes its place; or sign out first with: proofkey logout{profile.Option}", other) { Help = failure.Help };
        }
    }

    /// <summary>The profile that is meant.</summary>
    protected virtual Profile ProfileOf(Profiles profiles, string name) => profiles.Get(name);

    /// <summary>Whether a person may be asked for anything, a passphrase too.</summary>
    protected virtual bool MayAsk(Invocation invocation) => !invocation.Settings.Flag(CommonOptions.NoInput);

    /// <summary>How long a person may take to sign in, where one may be asked to and that was said.</summary>
    protected virtual TimeSpan? TimeoutOf(Invocation invocation) => null;

    /// <summary>Which store is opened.</summary>
    protected virtual ChosenStore StoreOf(Invocation invocation, Profile profile, string folder) => ChosenStore.Of(invocation.Settings, profile);

    /// <summary>A token to hand over, for the API that was named.</summary>
    protected static Task<AccessToken> TokenAsync(Invocation invocation, Profile profile, Session session)
    {
        var minValid = MinValidOf(invocation);
        if (ResourceOf(invocation) is not { } resource) return session.GetAccessTokenAsync(minValid, invocation.Cancellation);
        var known = profile.Resources ?? [];
        return known.Contains(resource) ? session.GetAccessTokenAsync(resource, minValid, invocation.Cancellation) : throw CommandException.Usage(
            $"Profile {profile.Name} is not for the API {PlainText.Of(resource)}.",
            known.Count > 0 ? $"It is for {string.Join(" and ", known.Select(PlainText.Of))}; write one of them as it stands here." : $"Sign in for it with: {profile.LoginCommand} --resource {CommandText.Argument(resource)}");
    }

    /// <summary>Says of a token that is handed over what it lacks: the time that was asked for, or the key that it is bound to.</summary>
    protected static void SayWhatItLacks(Invocation invocation, Session session, AccessToken token)
    {
        var (now, minValid) = (TimeProvider.System.GetUtcNow(), MinValidOf(invocation));
        if (token.ExpiresAt - now < minValid)
            invocation.Terminal.Say($"The token lasts {TimeText.Length(token.ExpiresAt - now)}, and {TimeText.Length(minValid)} were asked for: {WhyNoLonger(session, minValid, ResourceOf(invocation))}.");
        if (session.IsBound) invocation.Terminal.Say("This token is bound to the key of its session: without a proof by it, such as proofkey call makes, no API takes it.");
    }

    private static string? ResourceOf(Invocation invocation) => invocation.Settings.Text(CommonOptions.Resource);

    private static TimeSpan MinValidOf(Invocation invocation) => invocation.Settings.Duration(CommonOptions.MinValid, Session.DefaultMinValid);

    private static string WhyNoLonger(Session session, TimeSpan minValid, string? resource) =>
        !session.CanRefresh ? "the session has no refresh token to get another one with"
        : session.Stored.TokenFor(resource) is { } held && held.ExpiresAt - held.ObtainedAt <= minValid ? "the server gives no longer ones"
        : "the server did not give another one";

    /// <summary>Does it.</summary>
    protected abstract Task<int> RunAsync(Invocation invocation, OpenProfile open);
}

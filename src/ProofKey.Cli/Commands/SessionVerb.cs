using ProofKey.Cli.Sessions;
using ProofKey.Client;

namespace ProofKey.Cli.Commands;

/// <summary>A profile that was found, and its client.</summary>
internal sealed record OpenProfile(Profile Profile, PublicClient Client)
{
    /// <summary>The session of the profile.</summary>
    /// <exception cref="CommandException">Nobody is signed in.</exception>
    public async Task<Session> SessionAsync(CancellationToken cancellation) =>
        await Client.FindSessionAsync(cancellation) ?? throw Ended("Nobody is signed in under this profile.");

    public CommandException Ended(string problem) => new(ExitCodes.SignInNeeded, problem, $"Sign in again with: {Profile.LoginCommand}");
}

/// <summary>A verb that works with the session of one profile.</summary>
internal abstract class SessionVerb : Verb
{
    protected SessionVerb(string name, string description, params string[] examples)
        : base(name, description, examples)
    {
        Add(CommonOptions.Profile);
        foreach (var option in CommonOptions.Keeping) Add(option);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var profiles = Profiles.Of(invocation.Settings);
        var profile = profiles.Get(invocation.ProfileName);
        var store = await StoreOf(invocation, profile, profiles.FolderOf(profile.Name)).OpenAsync(profiles.FolderOf(profile.Name), invocation.Terminal, isNew: false, invocation.Cancellation);
        await using var client = profile.CreateClient(store, onEvent: Narration.On(invocation.Terminal));
        var open = new OpenProfile(profile, client);
        try
        {
            return await RunAsync(invocation, open);
        }
        catch (SignInRequiredException ended) when (ended.Reason is SignInRequiredReason.SessionEnded or SignInRequiredReason.SignedOut or SignInRequiredReason.NoSession)
        {
            throw open.Ended(ended.Code == "renewal_interrupted" ? "The previous renewal was interrupted, and the server does not take its refresh token a second time." : "The session has ended.");
        }
    }

    /// <summary>Which store is opened.</summary>
    protected virtual ChosenStore StoreOf(Invocation invocation, Profile profile, string folder) => ChosenStore.Of(invocation.Settings, profile);

    /// <summary>Says of a token that is handed over what it lacks, if it is bound to a key that is not.</summary>
    protected static void SayIfBound(Invocation invocation, Session session)
    {
        if (session.IsBound) invocation.Terminal.Say("This token is bound to the key of its session: without a proof by it, such as proofkey call makes, no API takes it.");
    }

    /// <summary>Does it.</summary>
    protected abstract Task<int> RunAsync(Invocation invocation, OpenProfile open);
}

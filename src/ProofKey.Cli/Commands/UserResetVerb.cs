using System.CommandLine;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey user reset</c>: gives a person a new password.</summary>
internal sealed class UserResetVerb : Verb
{
    private readonly Argument<string> _name = new("NAME") { Description = "The name to sign in with." };
    private readonly Option<bool> _passwordStdin = new("--password-stdin") { Description = "Read the password from the first line of stdin, instead of asking for it." };

    public UserResetVerb()
        : base(
            "reset",
            "Give a person a new password; their sessions and grants are dead at once, access tokens at APIs live on, 10 minutes at most.",
            "proofkey user reset alice",
            "proofkey user reset alice --password-stdin < password.txt")
    {
        Add(_name);
        foreach (var option in (Option[])[_passwordStdin, .. CommonOptions.Place, CommonOptions.Json]) Add(option);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        await using var administration = await invocation.AdministerAsync();
        var account = await UserShowVerb.FindAsync(administration, invocation.Argument(_name), invocation.Cancellation);
        var password = invocation.Settings.Flag(_passwordStdin) ? await PasswordPrompt.ReadLineAsync(invocation.Cancellation) : await PasswordPrompt.AskTwiceAsync(invocation.Terminal, invocation.Cancellation);
        await administration.People.ResetPasswordAsync(account, password);
        UserShowVerb.Report(invocation, account, $"{PlainText.Of(account.Name)} has a new password; every session and grant is dead; access tokens at APIs live on, 10 minutes at most.");
        return ExitCodes.Done;
    }
}

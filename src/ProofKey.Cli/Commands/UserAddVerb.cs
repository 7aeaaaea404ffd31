using System.CommandLine;
using ProofKey.Cli.Output;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey user add</c>: adds a person who can sign in.</summary>
internal sealed class UserAddVerb : Verb
{
    private readonly Argument<string> _name = new("NAME") { Description = "The name to sign in with." };
    private readonly Option<string> _email = new("--email") { HelpName = "ADDRESS", Description = "The person's e-mail address." };
    private readonly Option<bool> _admin = new("--admin") { Description = "Mark them as an administrator in lists and in the audit trail; the server itself gives them nothing for it." };
    private readonly Option<bool> _passwordStdin = new("--password-stdin") { Description = "Read the password from the first line of stdin, instead of asking for it." };

    public UserAddVerb()
        : base(
            "add",
            "Add a person who can sign in; the password is asked for.",
            "proofkey user add alice --email alice@example.com",
            "proofkey user add alice --password-stdin < password.txt")
    {
        Add(_name);
        foreach (var option in (Option[])[_email, _admin, _passwordStdin, .. CommonOptions.Place, CommonOptions.Json]) Add(option);
    }

    public static ShownUser Shown(Account account) => new(account.Subject, account.Name, account.Email, account.IsAdmin, account.CreatedAt, account.DisabledAt);

    public override IReadOnlyList<Option> TypedAlone => [_admin];

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        await using var administration = await invocation.AdministerAsync(mayMake: true);
        var password = invocation.Settings.Flag(_passwordStdin) ? await PasswordPrompt.ReadLineAsync(invocation.Cancellation) : await PasswordPrompt.AskTwiceAsync(invocation.Terminal, invocation.Cancellation);
        var account = await administration.Registry.AddAccountAsync(invocation.Argument(_name), password, invocation.Settings.Text(_email), invocation.Settings.Flag(_admin));
        if (invocation.Settings.Flag(CommonOptions.Json)) invocation.Terminal.Write(CliJson.Text(Shown(account), CliJson.Default.ShownUser));
        else invocation.Terminal.Say($"Added {PlainText.Of(account.Name)} ({account.Subject}).");
        return ExitCodes.Done;
    }
}

using System.CommandLine;
using ProofKey.Cli.Hosting;
using ProofKey.Cli.Output;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey user show</c>: everything about one person; a password is never among it.</summary>
internal sealed class UserShowVerb : Verb
{
    private readonly Argument<string> _name = new("NAME") { Description = "The name to sign in with." };

    public UserShowVerb()
        : base("show", "Show a person.", "proofkey user show alice", "proofkey user show alice --json")
    {
        Add(_name);
        foreach (var option in (Option[])[.. CommonOptions.Place, CommonOptions.Json]) Add(option);
    }

    public static CommandException Unknown(string name) => new(ExitCodes.Failed, $"There is no user {name} in this data folder.", "See the names with: proofkey user list");

    /// <summary>The person of a name.</summary>
    public static async Task<Account> FindAsync(Administration administration, string name, CancellationToken cancellation) =>
        await administration.People.FindAsync(name, cancellation) ?? throw Unknown(name);

    /// <summary>Says what became of a person: as JSON on stdout, or as a sentence.</summary>
    public static void Report(Invocation invocation, Account account, string sentence)
    {
        if (invocation.Settings.Flag(CommonOptions.Json)) invocation.Terminal.Write(CliJson.Text(UserAddVerb.Shown(account), CliJson.Default.ShownUser));
        else invocation.Terminal.Say(sentence);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        await using var administration = await invocation.AdministerAsync();
        var account = await FindAsync(administration, invocation.Argument(_name), invocation.Cancellation);
        if (invocation.Settings.Flag(CommonOptions.Json)) Report(invocation, account, "");
        else Print(account, (await administration.People.ListGrantsAsync(account.Subject, null, invocation.Cancellation)).Count(grant => grant.IsLive), invocation.Terminal);
        return ExitCodes.Done;
    }

    private static void Print(Account account, int grants, Terminal terminal)
    {
        (string Label, string Value)[] lines =
        [
            ("name", account.Name),
            ("sub", account.Subject),
            ("e-mail", account.Email ?? "none"),
            ("admin", account.IsAdmin ? "yes" : "no"),
            ("state", account.DisabledAt is { } since ? $"disabled since {TimeText.Of(since)}" : "active"),
            ("grants", $"{grants} live"),
            ("added", TimeText.Of(account.CreatedAt)),
        ];
        foreach (var (label, value) in lines) terminal.Write($"{label,-10}{PlainText.Of(value)}");
    }
}

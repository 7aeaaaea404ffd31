using System.CommandLine;
using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey exec</c>: runs another program, with a fresh token in its environment.</summary>
internal sealed class ExecVerb : SessionVerb
{
    private readonly Argument<string[]> _command = new("COMMAND") { Arity = ArgumentArity.OneOrMore, Description = "The program and its arguments; write -- before them." };
    private readonly Option<string> _variable = new("--variable") { HelpName = "NAME", Description = $"The environment variable with the token. Without it: {TokenForm.Variable}." };

    public ExecVerb()
        : base(
            "exec",
            "Run a program with a fresh access token in its environment.",
            "proofkey exec -- ./import-orders --all",
            "proofkey exec -p work --variable GITLAB_TOKEN --min-valid 30m -- glab repo list")
    {
        Add(_command);
        Add(CommonOptions.MinValid);
        Add(CommonOptions.Resource);
        Add(_variable);
    }

    public override IReadOnlyList<Option> TypedAlone => [CommonOptions.Resource];

    // The key of that name is of login: the APIs to sign in for.
    public override IReadOnlyList<Option> OfAnotherVerb => [CommonOptions.Resource];

    protected override async Task<int> RunAsync(Invocation invocation, OpenProfile open)
    {
        var variable = invocation.Settings.Text(_variable) ?? TokenForm.Variable;
        if (char.IsAsciiDigit(variable[0]) || !variable.All(character => char.IsAsciiLetterOrDigit(character) || character == '_'))
            throw CommandException.Usage("The name of a variable has letters, digits and underscores.", $"Write it such as --variable {TokenForm.Variable}");
        var command = invocation.Parsed.GetValue(_command) ?? [];
        var program = OtherProgram.Find(command[0]);
        var session = await open.SessionAsync(invocation.Cancellation);
        var token = await TokenAsync(invocation, open.Profile, session);
        SayWhatItLacks(invocation, session, token);
        return await program.RunAsync(command[1..], variable, token.Reveal());
    }
}

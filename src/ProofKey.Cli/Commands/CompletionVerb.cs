using System.CommandLine;
using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey completion</c>: teaches a shell to complete command lines, and answers it.</summary>
internal sealed class CompletionVerb : Verb
{
    private readonly Argument<string> _shell = new("SHELL") { Description = $"{string.Join(", ", CompletionScript.Shells)}." };

    // The words so far; the last one begins with '=', so that it is never empty: some shells drop empty arguments.
    private readonly Argument<string[]> _words = new("WORDS") { Arity = ArgumentArity.ZeroOrMore, Hidden = true };

    public CompletionVerb()
        : base(
            "completion",
            "Print a script with which a shell completes command lines.",
            "source <(proofkey completion bash)",
            "source <(proofkey completion zsh)",
            "proofkey completion fish | source",
            "proofkey completion powershell | Out-String | Invoke-Expression")
    {
        Add(_shell);
        Add(_words);
    }

    protected override Task<int> RunAsync(Invocation invocation)
    {
        var shell = invocation.Argument(_shell);
        if (!CompletionScript.Shells.Contains(shell)) throw CommandException.Usage($"There is no completion for {PlainText.Of(shell)}.", $"Choose {string.Join(" or ", CompletionScript.Shells)}.");
        if (invocation.Parsed.GetValue(_words) is [.. var before, ['=', .. var word]]) Answer(invocation, shell, before, word);
        else invocation.Terminal.Write(CompletionScript.Of(shell));
        return Task.FromResult(ExitCodes.Done);
    }

    private static void Answer(Invocation invocation, string shell, string[] before, string word)
    {
        var profiles = Profiles.Of(invocation.Settings);
        IEnumerable<string>? ValuesOf(Symbol symbol) => symbol == CommonOptions.Profile || symbol.Name == "PROFILE" ? profiles.Names() : symbol.Name switch
        {
            "ISSUER" or "--issuer" => [.. profiles.Names().Select(name => IssuerOf(profiles, name)).OfType<string>().Distinct()],
            "METHOD" => ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            "SHELL" => CompletionScript.Shells,
            "--output" => TokenForm.Words,
            _ => null,
        };
        if (new Completion(invocation.Parsed.RootCommandResult.Command, ValuesOf).Of(before, word) is { } candidates)
            foreach (var candidate in candidates) invocation.Terminal.Write(CompletionScript.Line(shell, candidate));
        else invocation.Terminal.Write(CompletionScript.Files);
    }

    // One damaged file must not hide the others.
    private static string? IssuerOf(Profiles profiles, string name)
    {
        try
        {
            return profiles.Find(name)?.Issuer;
        }
        catch (CommandException)
        {
            return null;
        }
    }
}

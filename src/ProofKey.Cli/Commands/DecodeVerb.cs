using System.CommandLine;
using System.Text.RegularExpressions;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey decode</c>: shows what a token says. It checks nothing, and says so.</summary>
internal sealed partial class DecodeVerb : Verb
{
    private readonly Argument<string> _token = new("TOKEN") { Description = "The token, or - to read it from stdin, where others on the machine cannot see it." };

    public DecodeVerb()
        : base("decode", "Show what a token says, without checking it.", "proofkey token | proofkey decode -", "proofkey decode - < token.txt") => Add(_token);

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var text = invocation.Argument(_token);
        if (text == "-") text = await StandardInput.ReadAsync(invocation.Cancellation);
        else invocation.Terminal.Say("A token is a secret, and others on this machine can see arguments: give it on stdin, with -");
        if (!DecodedToken.TryRead(Alone(text.Trim()), out var token, out var problem))
            throw new CommandException(ExitCodes.Failed, problem, "Only a JWT can be read here; an opaque token means something to its server alone.");
        invocation.Terminal.Say("Not verified: anybody can write a token that says this.");
        if (token.IsUnsigned) invocation.Terminal.Say("It has no signature (alg none): whoever takes it for somebody's word believes anybody.");
        token.WriteTo(invocation.Terminal.Out, TimeProvider.System.GetUtcNow());
        return ExitCodes.Done;
    }

    // What is copied out of a request, or printed by token -o header, has a scheme before it (RFC 6750 section 2.1, RFC 9449 section 7.1).
    private static string Alone(string text) => HasScheme().Replace(text, "");

    [GeneratedRegex(@"\A(Authorization: *)?(Bearer|DPoP) +", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex HasScheme();
}

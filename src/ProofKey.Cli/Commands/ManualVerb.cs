using System.Reflection;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey manual</c>: the manual page, for those who have the program alone.</summary>
internal sealed class ManualVerb : Verb
{
    public ManualVerb()
        : base("manual", "Print the manual page.", "proofkey manual | man -l -", "proofkey manual > /usr/local/share/man/man1/proofkey.1")
    {
    }

    protected override Task<int> RunAsync(Invocation invocation)
    {
        invocation.Terminal.Out.Write(ManualPage.Of(invocation.Parsed.RootCommandResult.Command, Version));
        return Task.FromResult(ExitCodes.Done);
    }

    // Without the commit, which would make every page another one.
    private static string Version => typeof(ManualVerb).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";
}

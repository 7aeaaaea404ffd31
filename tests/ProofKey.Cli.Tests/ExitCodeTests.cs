using System.Reflection;

namespace ProofKey.Cli.Tests;

/// <summary>Help and manual tell of the exit codes that there are.</summary>
public sealed class ExitCodeTests : IDisposable
{
    private readonly Cli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Each_exit_code_is_explained_in_the_help_and_in_the_manual()
    {
        var codes = typeof(ExitCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral).Select(field => (int)field.GetRawConstantValue()!).ToList();
        codes.Count.ShouldBe(12);
        codes.ShouldBeUnique();
        var (help, manual) = ((await _cli.OutputOfAsync("--help")).ReplaceLineEndings(" "), await _cli.OutputOfAsync("manual"));
        var said = help[help.IndexOf("Exit codes: ", StringComparison.Ordinal)..];
        foreach (var code in codes)
        {
            said.ShouldMatch($@"[:,] (or )?{code} \w");
            manual.ShouldContain($".TP\n\\fB{code}\\fR\n");
        }
    }
}

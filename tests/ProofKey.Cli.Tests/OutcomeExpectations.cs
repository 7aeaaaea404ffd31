namespace ProofKey.Cli.Tests;

internal static class OutcomeExpectations
{
    /// <summary>Nothing on stdout, the reason on stderr in a few lines, and no trace of the code.</summary>
    public static void ShouldBeFailure(this Outcome outcome, int exitCode, params string[] said)
    {
        outcome.ExitCode.ShouldBe(exitCode, outcome.ToString());
        outcome.Output.ShouldBeEmpty();
        foreach (var part in said) outcome.Errors.ShouldContain(part, Case.Sensitive);
        outcome.Errors.ShouldContain("error: ");
        outcome.Errors.ShouldNotContain("   at ");
        outcome.Errors.ShouldNotContain("Unhandled");
    }

    /// <summary>The same, after the address was told.</summary>
    public static void ShouldBeFailureAfterTheAddress(this Outcome outcome, int exitCode, params string[] said) =>
        (outcome with { Errors = outcome.Errors[outcome.Errors.IndexOf("error: ", StringComparison.Ordinal)..] }).ShouldBeFailure(exitCode, said);
}

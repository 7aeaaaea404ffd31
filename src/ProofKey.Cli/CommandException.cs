namespace ProofKey.Cli;

/// <summary>A command cannot go on. Two sentences say it all: what is wrong, and how to mend it.</summary>
internal sealed class CommandException(int exitCode, string problem, string remedy, Exception? inner = null) : Exception($"{problem} {remedy}", inner)
{
    public int ExitCode { get; } = exitCode;

    public string Problem { get; } = problem;

    public string Remedy { get; } = remedy;

    /// <summary>The page about it, where there is one.</summary>
    public string? Help { get; init; }

    /// <summary>What was typed, set or configured cannot be.</summary>
    public static CommandException Usage(string problem, string remedy) => new(ExitCodes.WrongUsage, problem, remedy);
}

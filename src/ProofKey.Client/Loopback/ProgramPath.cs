namespace ProofKey.Client.Loopback;

/// <summary>
/// Finds the file of a program by its name. The platform would look in the current folder before PATH, and what lies there may be anybody's,
/// as in a repository that was just cloned.
/// </summary>
internal static class ProgramPath
{
    /// <summary>The file to start.</summary>
    /// <param name="facts">What the machine has.</param>
    /// <param name="program">An absolute path, or a bare name.</param>
    /// <returns>An absolute path; <see langword="null"/> for a name that no absolute folder of PATH has, for a relative path, and on Windows for what is no <c>.exe</c>.</returns>
    public static string? Find(MachineFacts facts, string program)
    {
        var found = Locate(facts, program);
        // Windows starts a batch file through cmd.exe, which reads the address as words of its own.
        return facts.System == SystemKind.Windows && found?.EndsWith(".exe", StringComparison.OrdinalIgnoreCase) == false ? null : found;
    }

    private static string? Locate(MachineFacts facts, string program)
    {
        if (Path.IsPathFullyQualified(program)) return program;
        if (Path.GetFileName(program) != program || program.Length == 0) return null;
        // Windows leaves the ending out; what has none of its own is a program.
        var name = facts.System == SystemKind.Windows && !Path.HasExtension(program) ? program + ".exe" : program;
        return (facts.Variable("PATH") ?? "").Split(Path.PathSeparator)
            .Where(Path.IsPathFullyQualified)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(facts.Exists);
    }
}

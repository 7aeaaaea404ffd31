namespace ProofKey.Bench;

/// <summary>The repository that the benchmark was built in: it runs from its output folder, and peers and sources stay where they are.</summary>
internal static class SourceTree
{
    /// <summary>The folder of the repository.</summary>
    public static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "ProofKey.slnx"))) return folder.FullName;
        throw new InvalidOperationException("The repository is not above the program: run it from the source tree.");
    }

    /// <summary>Copies sources, and nothing that was built from them.</summary>
    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var folder in Directory.EnumerateDirectories(from))
            if (Path.GetFileName(folder) is not ("bin" or "obj")) Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
    }
}

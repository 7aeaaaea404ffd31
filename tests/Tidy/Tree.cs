namespace Tidy;

/// <summary>The files of the repository, by their path from its root, with slashes.</summary>
internal static class Tree
{
    // What a build or a run leaves behind, and git's own folder.
    private static readonly string[] Passing = [".git", ".vs", ".idea", ".vscode", "bin", "obj", "artifacts", "TestResults", "node_modules", "__pycache__"];

    private static readonly string[] Text =
        [".cs", ".razor", ".csproj", ".props", ".targets", ".slnx", ".json", ".md", ".txt", ".py", ".js", ".css", ".html", ".yml", ".sh", ".editorconfig", ".gitignore", ""];

    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<string> All { get; } = [.. Walk(Root).Order(StringComparer.Ordinal)];

    /// <summary>Our own text files: not the vectors, which are others' data.</summary>
    public static IEnumerable<string> TextFiles => All.Where(path => Text.Contains(Path.GetExtension(path)) && !path.Contains("/Vectors/", StringComparison.Ordinal));

    public static IEnumerable<string> Sources => In("src/", ".cs", ".razor");

    public static IEnumerable<string> TestSources => In("tests/", ".cs");

    public static IEnumerable<string> In(string folder, params string[] extensions) =>
        All.Where(path => path.StartsWith(folder, StringComparison.Ordinal) && extensions.Any(extension => path.EndsWith(extension, StringComparison.Ordinal)));

    public static string Read(string path) => File.ReadAllText(Full(path));

    public static string[] Lines(string path) => File.ReadAllLines(Full(path));

    public static bool Exists(string path) => File.Exists(Full(path)) || Directory.Exists(Full(path));

    public static string Full(string path) => Path.Combine(Root, path);

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "ProofKey.slnx"))) return folder.FullName;
        return Environment.GetEnvironmentVariable("PROOFKEY_ROOT")
            ?? throw new InvalidOperationException("The tests are not inside the repository: set PROOFKEY_ROOT to its root.");
    }

    private static IEnumerable<string> Walk(string folder) => Directory.EnumerateFiles(folder).Select(Relative)
        .Concat(Directory.EnumerateDirectories(folder).Where(inner => !Passing.Contains(Path.GetFileName(inner))).SelectMany(Walk));

    private static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');
}

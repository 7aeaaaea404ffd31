namespace EndToEnd;

/// <summary>A single-file program of samples/, compiled as <c>dotnet run</c> does it.</summary>
public sealed class SampleProgram
{
    private readonly string _file;
    private readonly Folder _folder;

    private SampleProgram(string name, Folder folder) => (_file, _folder) = (Path.Combine(Root(), "samples", name), folder);

    /// <summary>The bus of the desktop session that it runs in; one that is not there unless a test says otherwise.</summary>
    public string SessionBus { get; set; } = "unix:path=/nonexistent";

    /// <summary>Where it keeps its data, if not with the other samples.</summary>
    public string? DataHome { get; set; }

    /// <summary>Variables beside those that every sample has here.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    /// <summary>Its lines of code: neither comments, nor directives, nor empty ones.</summary>
    public IEnumerable<string> Statements => File.ReadLines(_file).Where(line => line.Length > 0 && !line.StartsWith("//", StringComparison.Ordinal) && !line.StartsWith('#') && !line.StartsWith("using ProofKey", StringComparison.Ordinal));

    private string Artifacts => Path.Combine(_folder.Path, "artifacts");

    /// <param name="name">The file.</param>
    /// <param name="folder">Where it is compiled and keeps its session; what samples share is compiled once.</param>
    public static async Task<SampleProgram> BuildAsync(string name, Folder folder)
    {
        var sample = new SampleProgram(name, folder);
        // Once for each: a second build among those of others is taken for one of theirs.
        if (!folder.Built.Add(name)) return sample;
        await using var build = sample.Dotnet(["build", sample._file, "--artifacts-path", sample.Artifacts, "-v", "quiet"]);
        var result = await build.ExitAsync(TestContext.Current.CancellationToken, TimeSpan.FromMinutes(5));
        result.ExitCode.ShouldBe(0, result.Output + result.Errors);
        return sample;
    }

    /// <summary>Runs it.</summary>
    public ChildProcess Run(params string[] arguments) => RunWithBrowser("false", arguments);

    /// <summary>Runs it with a command in the place of the browser, which gets the address as its last argument.</summary>
    public ChildProcess RunWithBrowser(string browser, params string[] arguments) =>
        Dotnet(["run", _file, "--no-build", "--artifacts-path", Artifacts, "--", .. arguments], browser, new Voice(Path.GetFileName(_file)));

    /// <summary>A folder that goes when its tests are done.</summary>
    public sealed class Folder : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("proofkey-samples-");

        public string Path => _folder.FullName;

        internal HashSet<string> Built { get; } = [];

        public void Dispose() => _folder.Delete(recursive: true);
    }

    private ChildProcess Dotnet(string[] arguments, string browser = "false", Voice? voice = null) => ChildProcess.Start(
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
        arguments,
        new Dictionary<string, string>(Variables)
        {
            ["BROWSER"] = browser,
            ["XDG_DATA_HOME"] = DataHome ?? _folder.Path,
            ["DBUS_SESSION_BUS_ADDRESS"] = SessionBus,
            ["DOTNET_NOLOGO"] = "1",
            ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
            // No build server outlives the test.
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["UseSharedCompilation"] = "false",
        },
        voice);

    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "ProofKey.slnx"))) return folder.FullName;
        return Environment.GetEnvironmentVariable("PROOFKEY_ROOT")
            ?? throw new InvalidOperationException("The tests are not inside the repository: set PROOFKEY_ROOT to its root.");
    }
}

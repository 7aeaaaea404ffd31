using ProofKey.Cli.Hosting;

namespace ProofKey.Cli.Tests;

/// <summary>Which SQLite the program takes: the system's, else its own, else it says what to install.</summary>
public sealed class SqliteTests : IDisposable
{
    private static readonly string[] ProgramFiles = ["proofkey*", "ProofKey.*.dll", "Microsoft.Data.Sqlite.dll", "SQLitePCLRaw.*.dll", "System.CommandLine.dll", "Spectre.Console.dll"];

    private readonly Cli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task The_systems_library_is_taken_first()
    {
        await using var server = await TestServer.StartAsync(_cli);
        (await server.StopAsync()).Errors.ShouldContain("(system)");
    }

    [Fact]
    public async Task Without_the_systems_library_the_bundled_one_is_taken_and_works()
    {
        HideTheSystems(_cli);
        await using var server = await TestServer.StartAsync(_cli);
        await server.AddAliceAsync();
        (await server.StopAsync()).Errors.ShouldContain("(bundled)");
    }

    [Fact]
    public async Task Without_either_the_program_says_in_one_sentence_what_to_install()
    {
        using var cli = new Cli { Program = CopyWithoutLibrary() };
        HideTheSystems(cli);
        foreach (var command in new[] { "serve", "database migrate", "demo" })
        {
            var outcome = await cli.RunAsync([.. command.Split(' '), .. command == "demo" ? [] : new[] { "--data", cli.Data }]);
            outcome.ExitCode.ShouldBe(1, outcome.ToString());
            outcome.Errors.ShouldBe("error: SQLite 3.35 or newer was not found; install it, for example with: apt-get install libsqlite3-0\n");
        }
    }

    [Fact]
    public void A_library_that_is_something_else_is_passed_over()
    {
        var notSqlite = OperatingSystem.IsMacOS() ? "libSystem.dylib" : "libc.so.6";
        SqliteLibrary.Find([notSqlite, .. SqliteLibrary.SystemNames], "/nonexistent").Description.ShouldEndWith("(system)");
        Should.Throw<SqliteMissingException>(() => SqliteLibrary.Find([notSqlite], "/nonexistent")).Message.ShouldContain("install it");
    }

    // The system's loader looks there first, and finds files that are no libraries.
    private static void HideTheSystems(Cli cli)
    {
        var folder = Directory.CreateDirectory(cli.PathOf("no-sqlite")).FullName;
        foreach (var name in SqliteLibrary.SystemNames) File.WriteAllText(Path.Combine(folder, Path.GetFileName(name)), "not a library");
        cli.Environment[OperatingSystem.IsMacOS() ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH"] = folder;
    }

    // An installation whose bundled library is damaged; the host insists on the file being there.
    private string CopyWithoutLibrary()
    {
        var copy = Directory.CreateDirectory(_cli.PathOf("program")).FullName;
        foreach (var file in ProgramFiles.SelectMany(pattern => Directory.EnumerateFiles(Cli.Folder, pattern))) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)), overwrite: true);
        foreach (var library in Directory.EnumerateFiles(Path.Combine(Cli.Folder, "runtimes"), "*", SearchOption.AllDirectories))
        {
            var empty = Path.Combine(copy, Path.GetRelativePath(Cli.Folder, library));
            Directory.CreateDirectory(Path.GetDirectoryName(empty)!);
            File.WriteAllText(empty, "");
        }
        return Path.Combine(copy, "proofkey");
    }
}

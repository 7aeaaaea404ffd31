using System.Text.RegularExpressions;

namespace ProofKey.Cli.Tests;

/// <summary>Files that get their name once they are whole: the folder that the name is in has reached the disk before anything builds on it.</summary>
public sealed class FlushedFolderTests : IDisposable
{
    private readonly Cli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task A_root_key_is_in_its_folder_and_that_in_its_own_before_there_is_a_database()
    {
        var calls = await TracedAsync("database", "migrate", "--data", _cli.Data);

        var database = calls.FindIndex(call => call.StartsWith("openat", StringComparison.Ordinal) && call.Contains($"{_cli.Data}/proofkey.db\"", StringComparison.Ordinal));
        FlushOf(calls, _cli.Data, after: Named(calls, $"{_cli.Data}/root.key")).ShouldBeLessThan(database);
        FlushOf(calls, Path.GetDirectoryName(_cli.Data)!, after: 0).ShouldBeLessThan(database);
    }

    [Fact]
    public async Task A_backup_is_in_its_folder_before_it_is_said_to_be_there()
    {
        await _cli.OutputOfAsync("database", "migrate", "--data", _cli.Data);
        var folder = Directory.CreateDirectory(_cli.PathOf("backups")).FullName;

        var calls = await TracedAsync("database", "backup", $"{folder}/today.db", "--data", _cli.Data);

        FlushOf(calls, folder, after: Named(calls, $"{folder}/today.db"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_database_that_is_restored_is_in_its_folder_before_it_is_said_to_be_there(bool hasFormer)
    {
        await _cli.OutputOfAsync("database", "migrate", "--data", _cli.Data);
        var backup = _cli.PathOf("today.db");
        await _cli.OutputOfAsync("database", "backup", backup, "--data", _cli.Data);
        if (!hasFormer) File.Delete($"{_cli.Data}/proofkey.db");

        var calls = await TracedAsync("database", "restore", backup, "--data", _cli.Data);

        FlushOf(calls, _cli.Data, after: Named(calls, $"{_cli.Data}/proofkey.db"));
    }

    [Fact]
    public async Task What_a_profile_is_for_and_which_one_is_meant_are_in_their_folders()
    {
        var sessions = _cli.PathOf("state/proofkey/sessions");
        Directory.CreateDirectory($"{sessions}/work");
        _cli.Write("state/proofkey/sessions/work/profile.json", """{"name":"work","issuer":"https://login.example.com","client_id":"app","scope":"openid"}""");

        var switched = await TracedAsync("switch", "work");
        FlushOf(switched, sessions, after: Named(switched, $"{sessions}/.active"));
        var moved = await TracedAsync("store", "move", "--to", "file", "--to-key-file", _cli.WriteKey("new.key"));
        FlushOf(moved, $"{sessions}/work", after: Named(moved, $"{sessions}/work/profile.json"));
    }

    // Where a file gets its name: by a link where there must be none yet, else by a new name.
    private static int Named(List<string> calls, string path)
    {
        var named = calls.FindIndex(call => Regex.IsMatch(call, $"^(rename|link).*, (AT_FDCWD[^,]*, )?\"{Regex.Escape(path)}\""));
        named.ShouldBeGreaterThanOrEqualTo(0, $"nothing was named {path}:\n{string.Join('\n', calls)}");
        return named;
    }

    private static int FlushOf(List<string> calls, string folder, int after)
    {
        var flushed = calls.FindIndex(after, call => call.StartsWith("fsync", StringComparison.Ordinal) && call.Contains($"<{folder}>", StringComparison.Ordinal));
        flushed.ShouldBeGreaterThan(after, $"no flush of {folder}:\n{string.Join('\n', calls.Skip(after))}");
        return flushed;
    }

    private async Task<List<string>> TracedAsync(params string[] arguments)
    {
        var trace = _cli.PathOf("trace");
        try
        {
            await using var running = _cli.StartAs(["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "4096", "-e", "trace=fsync,openat,/^rename,/^link", "-e", "signal=none", "-o", trace, _cli.Program, .. arguments]);
            await running.WriteAsync("");
            var outcome = await running.EndAsync();
            outcome.ExitCode.ShouldBe(0, outcome.ToString());
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new InvalidOperationException("This test watches the program's calls of the system: apt-get install strace", missing);
        }
        // Without the number of the thread before each.
        return [.. (await File.ReadAllLinesAsync(trace, TestContext.Current.CancellationToken)).Select(line => line.TrimStart("0123456789 ".ToCharArray()))];
    }
}

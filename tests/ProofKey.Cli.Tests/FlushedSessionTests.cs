using System.Text.RegularExpressions;

namespace ProofKey.Cli.Tests;

/// <summary>What a renewal asks of the system, and in which order: a machine that loses its power keeps what has reached the disk, and no more.</summary>
public sealed partial class FlushedSessionTests(SignedInCli signedIn) : IClassFixture<SignedInCli>
{
    private readonly Cli _cli = signedIn.Cli;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private sealed record SystemCall(string Text, int Begun, int Done);

    [Fact]
    [Assertion("RT-15")]
    public async Task The_mark_is_on_the_disk_before_the_refresh_token_is_sent_and_the_new_tokens_before_anybody_gets_them()
    {
        var past = TimeProvider.System.GetUtcNow().AddHours(-1);
        await _cli.ChangeAsync("default", session => session with { ObtainedAt = past, ExpiresAt = past });

        var (token, calls) = await TracedTokenAsync();

        var sent = calls.Single(call => call.Text.StartsWith("send", StringComparison.Ordinal) && call.Text.Contains("POST /token", StringComparison.Ordinal));
        var told = calls.First(call => call.Text.StartsWith("write(1<", StringComparison.Ordinal) && call.Text.Contains(token[..64], StringComparison.Ordinal));
        var renamed = calls.Where(call => call.Text.StartsWith("rename", StringComparison.Ordinal) && call.Text.Contains($"{_cli.SessionFile}\"", StringComparison.Ordinal)).ToList();
        renamed.Count.ShouldBe(2);
        foreach (var (rename, use, last) in (IEnumerable<(SystemCall, SystemCall, int)>)[(renamed[0], sent, 0), (renamed[1], told, sent.Done)])
        {
            // The new file, then its place, then the folder that the place is in.
            ShouldFlush(calls, $"{_cli.SessionFile}.new", last, rename.Begun);
            ShouldFlush(calls, Path.GetDirectoryName(_cli.SessionFile)!, rename.Done, use.Begun);
        }
    }

    // Begun after one line of the trace, and done before another.
    private static void ShouldFlush(IReadOnlyList<SystemCall> calls, string path, int after, int before) =>
        calls.Where(call => call.Text.StartsWith('f') && call.Text.Contains($"<{path}>", StringComparison.Ordinal)).ShouldContain(call => call.Begun > after && call.Done < before, $"no flush of {path}");

    private async Task<(string Token, IReadOnlyList<SystemCall> Calls)> TracedTokenAsync()
    {
        var trace = _cli.PathOf("trace");
        Outcome outcome;
        try
        {
            await using var running = _cli.StartAs("strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "4096", "-e", "trace=fsync,fdatasync,/^rename,/^send,write", "-e", "signal=none", "-o", trace, _cli.Program, "token");
            await running.WriteAsync("");
            outcome = await running.EndAsync();
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new InvalidOperationException("This test watches the program's calls of the system: apt-get install strace", missing);
        }
        outcome.ExitCode.ShouldBe(0, outcome.Errors);
        return (outcome.Output.TrimEnd('\n'), Read(await File.ReadAllLinesAsync(trace, Cancel)));
    }

    // The number of the thread, and a call, in one line; or in two where another thread came between its beginning and its end.
    private static List<SystemCall> Read(string[] lines)
    {
        var (calls, begun) = (new List<SystemCall>(), new Dictionary<string, (string Text, int Line)>());
        for (var line = 0; line < lines.Length; line++)
        {
            var (thread, text) = (Thread().Match(lines[line]).Value, Thread().Replace(lines[line], "").TrimStart());
            if (text.EndsWith("<unfinished ...>", StringComparison.Ordinal)) begun[thread] = (text, line);
            else if (text.StartsWith("<... ", StringComparison.Ordinal)) calls.Add(new SystemCall(begun[thread].Text, begun[thread].Line, line));
            else calls.Add(new SystemCall(text, line, line));
        }
        return calls;
    }

    [GeneratedRegex("^[0-9]+ ")]
    private static partial Regex Thread();
}

using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Channels;

namespace EndToEnd;

/// <summary>A program that a test has started: its lines as they come, and all that it said when it has ended.</summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly Task _reading;
    private readonly Voice? _voice;

    private ChildProcess(Process process, Voice? voice)
    {
        _process = process;
        _voice = voice;
        _reading = ReadAsync();
    }

    /// <summary>Starts a program with these variables on top of the test's own.</summary>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">The variables.</param>
    /// <param name="voice">Who hears what it says, where it is one of ours.</param>
    public static ChildProcess Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, Voice? voice = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return new ChildProcess(Process.Start(start)!, voice);
    }

    /// <summary>What one run of a program came to.</summary>
    public sealed record Result(int ExitCode, string Output, string Errors)
    {
        /// <summary>The last line of the output that is not empty: where a program puts the datum that was asked for.</summary>
        public string LastLine => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1];
    }

    public async Task WriteLineAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>The next match on a line of either stream; an error with all that was said when the program ends before.</summary>
    public async Task<Match> ReadUntilAsync(Regex pattern, CancellationToken cancellation)
    {
        using var limit = Limit(Patience, cancellation);
        try
        {
            await foreach (var line in _lines.Reader.ReadAllAsync(limit.Token))
                if (pattern.Match(line) is { Success: true } match)
                    return match;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"No line like {pattern} within {Patience}. It said:\n{Said()}");
        }

        throw new InvalidOperationException($"The program ended without a line like {pattern}. It said:\n{Said()}");
    }

    /// <summary>Closes the program's input and waits for its end, by default for a minute.</summary>
    public async Task<Result> ExitAsync(CancellationToken cancellation, TimeSpan? patience = null)
    {
        using var limit = Limit(patience ?? Patience, cancellation);
        _process.StandardInput.Close();
        try
        {
            await _process.WaitForExitAsync(limit.Token);
            await _reading;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"Not ended in time. It said:\n{Said()}");
        }

        return new Result(_process.ExitCode, _output.ToString(), _errors.ToString());
    }

    /// <summary>Whether the program has ended, and all that it said so far.</summary>
    public bool HasEnded(out string said)
    {
        said = Said();
        return _process.HasExited;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None);
        // What it said at last is heard too.
        await _reading;
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        await Task.WhenAll(ReadAsync(_process.StandardOutput, _output, line => _voice?.Printed(line)), ReadAsync(_process.StandardError, _errors, line => _voice?.Said(line)));
        _lines.Writer.Complete();
    }

    private async Task ReadAsync(StreamReader reader, StringBuilder all, Action<string> hears)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            hears(line);
            lock (all)
                all.Append(line).Append('\n');
            await _lines.Writer.WriteAsync(line);
        }
    }

    private string Said()
    {
        lock (_output)
            lock (_errors)
                return $"{_output}{_errors}";
    }

    private static CancellationTokenSource Limit(TimeSpan patience, CancellationToken cancellation)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(patience);
        return limit;
    }
}

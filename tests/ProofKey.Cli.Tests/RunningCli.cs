using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace ProofKey.Cli.Tests;

/// <summary>A run of the program that goes on: its lines as they come, and all that it said in the end.</summary>
public sealed partial class RunningCli : IAsyncDisposable
{
    private const int Interrupt = 2;
    private const int Terminate = 15;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly Task _reading;
    private readonly CancellationTokenSource _limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private TaskCompletionSource _said = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The person takes the address to a browser, with what is in it.
    [GeneratedRegex(@"(?<=/authorize\?\S*(?:state|nonce|request_uri)=)[^&\s]+")]
    private static partial Regex InTheAddressOfARequest();

    private readonly string _command;
    private readonly Func<Task> _noteSecrets;

    /// <param name="process">The process.</param>
    /// <param name="command">What was run.</param>
    /// <param name="noteSecrets">Takes note of the secrets that are known at the end of it.</param>
    public RunningCli(Process process, string command, Func<Task> noteSecrets)
    {
        _process = process;
        _command = command;
        _noteSecrets = noteSecrets;
        _limit.CancelAfter(Patience);
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput, _output), ReadAsync(process.StandardError, _errors));
    }

    /// <summary>The id of the process.</summary>
    public int Id => _process.Id;

    /// <summary>What it said on stderr so far.</summary>
    public string Errors
    {
        get
        {
            lock (_errors) return _errors.ToString();
        }
    }

    /// <summary>What it printed so far.</summary>
    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>Types something; more may follow.</summary>
    public async Task TypeAsync(string keys)
    {
        await _process.StandardInput.WriteAsync(keys);
        await _process.StandardInput.FlushAsync(_limit.Token);
    }

    /// <summary>Gives all of stdin.</summary>
    public async Task WriteAsync(string input)
    {
        // A program that ends at once may be gone before its input is written.
        try
        {
            await _process.StandardInput.WriteAsync(input);
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            await _process.WaitForExitAsync(_limit.Token);
        }
    }

    /// <summary>Waits until stderr has what a pattern asks for.</summary>
    public Task<Match> UntilAsync(Regex pattern) => UntilAsync(pattern, () => Errors);

    /// <summary>Waits until stdout has what a pattern asks for.</summary>
    public Task<Match> OutputUntilAsync(Regex pattern) => UntilAsync(pattern, () => Output);

    private async Task<Match> UntilAsync(Regex pattern, Func<string> text)
    {
        while (true)
        {
            var said = Volatile.Read(ref _said).Task;
            if (pattern.Match(text()) is { Success: true } match) return match;
            if (_reading.IsCompleted) throw new InvalidOperationException($"It ended without {pattern}: {await EndAsync()}");
            try
            {
                await Task.WhenAny(said, _reading).WaitAsync(_limit.Token);
            }
            catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException($"It did not say {pattern} within {Patience}. It said: {text()}");
            }
        }
    }

    /// <summary>Presses Ctrl-C.</summary>
    public void PressControlC() => Signal(Interrupt);

    /// <summary>Asks it to stop, as a service manager does.</summary>
    public void AskToStop() => Signal(Terminate);

    /// <summary>Ends it as a lack of memory or of power does.</summary>
    public Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        return _process.WaitForExitAsync(_limit.Token);
    }

    /// <summary>Waits for the end.</summary>
    public async Task<Outcome> EndAsync()
    {
        await _process.WaitForExitAsync(_limit.Token);
        await _reading;
        await NoteAsync();
        return new Outcome(_process.ExitCode, _output.ToString(), _errors.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None);
        await NoteAsync();
        _process.Dispose();
        _limit.Dispose();
    }

    // What is asked for is printed: a token by its own command, or by a program that exec was told to run, on stdout alone.
    private async Task NoteAsync()
    {
        await _noteSecrets();
        var (witness, isMeant, isTerminal) = (SuiteWitness.OfThisSuite, AsksForAToken().IsMatch(_command), _command.StartsWith("-qfec", StringComparison.Ordinal));
        // A terminal has both, and script(1) writes down what is on it.
        var output = isTerminal ? InTheAddressOfARequest().Replace(Output, "…") : Output;
        if (isMeant)
            foreach (Match token in Token().Matches(Output)) witness.Secret("access token", token.Value);
        else witness.Said($"stdout of {_command}", output);
        if (!isMeant || !isTerminal) witness.Said($"stderr of {_command}", InTheAddressOfARequest().Replace(Errors, "…"));
    }

    [GeneratedRegex(@"ey[\w-]+\.[\w-]+\.[\w-]+")]
    private static partial Regex Token();

    [GeneratedRegex(@"\btoken\b|--show\b|^exec\b")]
    private static partial Regex AsksForAToken();

    private async Task ReadAsync(StreamReader reader, StringBuilder all)
    {
        var buffer = new char[4096];
        while (await reader.ReadAsync(buffer) is > 0 and var length)
        {
            lock (all) all.Append(buffer, 0, length);
            Interlocked.Exchange(ref _said, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        }
    }

    private void Signal(int number) => Kill(_process.Id, number).ShouldBe(0);

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int process, int signal);
}

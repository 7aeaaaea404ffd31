using System.Diagnostics;

namespace ProofKey.Tests.Kills;

/// <summary>What one run of <c>proofkey token</c> came to.</summary>
internal sealed record Said(int ExitCode, string Output, string Errors)
{
    /// <summary>Whether it ended by SIGKILL.</summary>
    public bool WasKilled => ExitCode == (OperatingSystem.IsWindows() ? -1 : 128 + 9);
}

/// <summary>A run of <c>proofkey token</c> that goes on.</summary>
internal sealed class RunningToken : IDisposable
{
    // Twice as long as anybody waits for a lock whose holder hangs.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _errors;

    public RunningToken(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        _process = new Process { StartInfo = start };
        Children.Start(_process);
        (_output, _errors) = (_process.StandardOutput.ReadToEndAsync(), _process.StandardError.ReadToEndAsync());
        Ended = _process.WaitForExitAsync();
        Id = _process.Id;
    }

    /// <summary>The number of the process.</summary>
    public int Id { get; }

    public Task Ended { get; }

    /// <summary>Kills it as a power cut would: no handler of its own runs.</summary>
    public void Kill() => _process.Kill();

    public void Dispose() => _process.Dispose();

    /// <summary>Waits for its end.</summary>
    /// <exception cref="TimeoutException">It hangs; it was killed.</exception>
    public async Task<Said> EndAsync()
    {
        try
        {
            await Ended.WaitAsync(Patience, TimeProvider.System);
            var said = new Said(_process.ExitCode, await _output, await _errors);
            if (said.Output.Length > 0) SuiteWitness.OfThisSuite.Secret("access token", said.Output.Trim());
            SuiteWitness.OfThisSuite.Said("stderr of token", said.Errors);
            return said;
        }
        finally
        {
            await Children.EndAsync(_process, process => process.Kill());
        }
    }
}

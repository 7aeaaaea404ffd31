using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace ProofKey.ResourceServer.Tests;

/// <summary>Keeps everything that is logged, and tells of our own events as they come.</summary>
internal sealed class LogRecorder : ILoggerProvider
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<string> _ours = Channel.CreateUnbounded<string>();

    public ConcurrentQueue<string> Lines { get; } = [];

    public async Task<string> NextAsync(string start)
    {
        while (true)
        {
            // An event that never comes is a failure, not a test without end.
            var line = await _ours.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken);
            if (line.StartsWith(start, StringComparison.Ordinal)) return line;
        }
    }

    public ILogger CreateLogger(string categoryName) => new Recorder(this, categoryName);

    public void Dispose() => _ours.Writer.TryComplete();

    private sealed class Recorder(LogRecorder log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var line = formatter(state, exception);
            log.Lines.Enqueue($"{line} {exception}");
            // The host's own lines of requests have whole addresses, and are its own to turn off.
            if (category != "Microsoft.AspNetCore.Hosting.Diagnostics") SuiteWitness.OfThisSuite.Said("log", WitnessLog.Line(category, state, exception, formatter));
            if (category.StartsWith("ProofKey.", StringComparison.Ordinal)) log._ours.Writer.TryWrite(line);
        }
    }
}

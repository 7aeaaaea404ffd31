using Microsoft.Extensions.Logging;

namespace ProofKey.Tests.Leaks;

/// <summary>Takes every log line of an application in this process to <see cref="SuiteWitness"/>.</summary>
internal sealed class WitnessLog : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Logger(categoryName);

    public void Dispose()
    {
    }

    // The state as well as the text: a sink may keep what the text leaves out.
    public static string Line<TState>(string category, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        $"{category}: {formatter(state, exception)} {exception} {(state is IEnumerable<KeyValuePair<string, object?>> pairs ? string.Join(' ', pairs.Select(pair => $"{pair.Key}={pair.Value}")) : "")}";

    private sealed class Logger(string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            SuiteWitness.OfThisSuite.Said("log", Line(category, state, exception, formatter));
    }
}

using System.Collections.Concurrent;
using System.Net;

namespace ProofKey.Tests.Invariants;

/// <summary>What clients write down of everything that they do and are told. Nothing is ever taken out of it.</summary>
internal class RequestLog
{
    private readonly ConcurrentQueue<LogEntry> _entries = new();
    private long _clock;

    public IReadOnlyCollection<LogEntry> Entries => _entries;

    /// <summary>Sends a request, and writes down what was told, or that nothing was.</summary>
    public async Task<T> NoteAsync<T>(Act act, string grant, string issuedTo, string client, string? presented, Func<Task<T>> send, Func<T, (HttpStatusCode Status, string? RefreshToken)> told)
    {
        var began = Interlocked.Increment(ref _clock);
        (HttpStatusCode Status, string? RefreshToken) heard = default;
        try
        {
            var answer = await send();
            heard = told(answer);
            return answer;
        }
        finally
        {
            _entries.Enqueue(new LogEntry(began, Interlocked.Increment(ref _clock), act, grant, issuedTo, client, presented, heard.Status, heard.RefreshToken));
        }
    }

    /// <summary>Ends what sign-ins stand on.</summary>
    public async Task EndAsync(IEnumerable<string> grants, string issuedTo, Func<Task> end)
    {
        var began = Interlocked.Increment(ref _clock);
        await end();
        var ended = Interlocked.Increment(ref _clock);
        foreach (var grant in grants) _entries.Enqueue(new LogEntry(began, ended, Act.End, grant, issuedTo, issuedTo, null, HttpStatusCode.OK));
    }
}

using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ProofKey.Server.Storage;

namespace ProofKey.Chaos.Support;

/// <summary>Fifty clients at work, while something happens to the servers that they talk to.</summary>
internal sealed class Crowd : IDisposable
{
    private const int Size = 50;

    // L1: how soon after a fault has ended people can sign in again, on a machine that does much else at the same time.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<VirtualClient> _clients;
    private readonly ConcurrentQueue<string> _broken = new();
    private readonly ConcurrentQueue<string> _lost = new();
    private Func<bool> _isReached = () => false;
    private TaskCompletionSource _reached = new();
    private volatile Era _era;
    private int _answers;
    private int _unavailable;

    public Crowd(string address, Operator @operator, Dice dice)
    {
        (Address, Operator) = (address, @operator);
        Log = new CrowdLog(Client.Id);
        _clients = [.. Enumerable.Range(0, Size).Select(number => new VirtualClient(this, number, dice.Another()))];
    }

    /// <summary>Where the clients send their requests.</summary>
    public string Address { get; }

    public Operator Operator { get; }

    public CrowdLog Log { get; }

    public RegisteredClient Client => Operator.Client;

    /// <summary>Whether refresh tokens rotate to the letter: then a lost answer costs the sign-in.</summary>
    public bool IsStrict { get; init; }

    /// <summary>Whether the server may say that it cannot do its work just now.</summary>
    public bool MayBeUnavailable { get; init; }

    /// <summary>Whether the clock is moved while requests are on their way: codes may die then, and two requests for one refresh are hours apart.</summary>
    public bool TimeMoves { get; init; }

    /// <summary>Where everybody stands with the backup, if one is made.</summary>
    public Era Era => _era;

    /// <summary>Why requests were not answered.</summary>
    public IReadOnlyCollection<string> Lost => _lost;

    /// <summary>Lets the clients work until so many answers have come, and then something happen, with everybody in the middle of a request.</summary>
    public Task WorkUntilAsync(int answers, Func<Task> then)
    {
        var goal = _answers + answers;
        return WorkUntilAsync(() => _answers >= goal, then);
    }

    /// <summary>Lets the clients work until the server has said so many times that it cannot.</summary>
    public Task WorkUntilUnavailableAsync(int times, Func<Task> then)
    {
        var goal = _unavailable + times;
        return WorkUntilAsync(() => _unavailable >= goal, then);
    }

    /// <summary>Makes a backup in the middle of their work.</summary>
    public async Task BackUpAsync(Func<Task> backUp)
    {
        _era = Era.During;
        await backUp();
        _era = Era.After;
    }

    /// <summary>Lets everybody find out that the database was put back.</summary>
    public Task GoBackAsync() => Task.WhenAll(_clients.Select(client => client.GoBackAsync()));

    /// <summary>Lets everybody come to a database that was put back without a word.</summary>
    /// <returns>How many tokens were refused.</returns>
    public async Task<int> MeetUnmarkedAsync() => (await Task.WhenAll(_clients.Select(client => client.MeetUnmarkedAsync()))).Sum();

    /// <summary>Does what ends a fault. Soon afterwards, people can sign in with a password again (L1).</summary>
    public async Task SignInSoonAfterAsync(Func<Task> end)
    {
        using var patience = new CancellationTokenSource(Patience);
        await end();
        using var browser = new Browser(Address);
        while (!await IsInAsync(browser))
        {
            patience.IsCancellationRequested.ShouldBeFalse("L1: nobody can sign in");
            await WaitAsync(patience.Token);
        }
    }

    /// <summary>Asks for everything once more, with the servers in order again, and looks whether anything is broken.</summary>
    public async Task SettleAsync()
    {
        await Task.WhenAll(_clients.Select(client => client.SettleAsync()));
        _broken.Concat(SafetyInvariants.Broken(Log.Entries, MayBeUnavailable, IsStrict)).Take(10).ShouldBeEmpty();
    }

    /// <summary>Says what is not as it must be.</summary>
    /// <param name="broken">What.</param>
    /// <param name="signIn">Of which sign-in; all that was done with it follows.</param>
    public void Report(string broken, SignIn? signIn = null) =>
        _broken.Enqueue(signIn is null ? broken : $"{broken}:\n{string.Join('\n', Log.Entries.Where(entry => entry.Grant == signIn.Name))}\n");

    public void Count(HttpStatusCode status)
    {
        if (status == HttpStatusCode.TooManyRequests) Report("A client that nobody complains of was slowed down.");
        if (status == HttpStatusCode.ServiceUnavailable) Interlocked.Increment(ref _unavailable);
        Interlocked.Increment(ref _answers);
        Rounds.Count();
        if (_isReached()) _reached.TrySetResult();
    }

    public void Dispose() => _clients.ForEach(client => client.Dispose());

    private async Task WorkUntilAsync(Func<bool> isReached, Func<Task> then)
    {
        _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _isReached = isReached;
        await WorkDuringAsync(async () =>
        {
            await _reached.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
            await then();
        });
    }

    // As long as something takes.
    private async Task WorkDuringAsync(Func<Task> work)
    {
        using var stop = new CancellationTokenSource();
        var clients = _clients.ConvertAll(client => Task.Run(() => WorkAsync(client, stop.Token)));
        try
        {
            await work();
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(clients);
        }
    }

    private async Task<bool> IsInAsync(Browser browser)
    {
        try
        {
            return await browser.SignInAsync(Client);
        }
        catch (Exception nobody) when (nobody is HttpRequestException or SocketException)
        {
            return false;
        }
    }

    private async Task WorkAsync(VirtualClient client, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await client.StepAsync();
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or SocketException or DatabaseException)
            {
                // Nobody answered. What became of the request is not known; the client goes on with what it has.
                _lost.Enqueue(exception.Message);
                await WaitAsync(stop);
            }
        }
    }

    private static async Task WaitAsync(CancellationToken stop)
    {
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, stop);
        }
        catch (OperationCanceledException)
        {
            // Time to stop.
        }
    }
}

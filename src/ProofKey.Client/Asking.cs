using System.Runtime.ExceptionServices;

namespace ProofKey.Client;

/// <summary>
/// Who may ask the person, and when: one call of this client at a time, and one program at a time for a profile of a store. Whoever waited meanwhile takes what came of it. All that waits
/// ends with the client.
/// </summary>
/// <param name="client">Whose person it is.</param>
internal sealed class Asking(PublicClient client) : IAsyncDisposable
{
    // Neither is disposed: a call may come after DisposeAsync, and hears of it.
    private readonly SemaphoreSlim _oneCall = new(1, 1);
    private readonly CancellationTokenSource _over = new();
    // The turn is of the call that has it: what else begins a sign-in meanwhile waits for its own.
    private readonly AsyncLocal<CallsTurn?> _turn = new();
    // The last question to the person that came to nothing.
    private Unanswered? _unanswered;

    private sealed class CallsTurn
    {
        public bool IsTaken { get; set; }

        public bool IsOver { get; set; }

        public IDisposable? Kept { get; set; }
    }

    // What was asked: nothing in particular, or what an API wanted.
    private sealed record Unanswered(string Asked, ExceptionDispatchInfo Answer);

    /// <summary>Whether the sign-in that is asked for now has its turn already.</summary>
    public bool HasTurn => _turn.Value is { IsTaken: true, IsOver: false };

    /// <summary>Ends what waits. What a program does when its call is cancelled is its own, and may fail.</summary>
    public async ValueTask DisposeAsync() => await _over.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

    /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
    public void ThrowIfOver() => ObjectDisposedException.ThrowIf(_over.IsCancellationRequested, client);

    /// <summary>Runs a call that ends with the client.</summary>
    /// <exception cref="ObjectDisposedException">The client is disposed, or was before the call ended.</exception>
    public async Task<T> WhileOpenAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancel)
    {
        ThrowIfOver();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel, _over.Token);
        try
        {
            return await call(ending.Token);
        }
        catch (OperationCanceledException) when (_over.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new ObjectDisposedException(typeof(PublicClient).FullName);
        }
    }

    /// <summary>The session that is there, if it is good, else the one that the person is asked for.</summary>
    /// <param name="asked">What is asked for, in a word: calls that ask the same share an answer that is no session.</param>
    /// <param name="signIn">Asks the person.</param>
    /// <param name="isAnswer">Whether a session is what is asked for.</param>
    /// <param name="cancel">Ends the call.</param>
    public async Task<Session> GetSessionAsync(string asked, Func<CancellationToken, Task<Session>> signIn, Func<StoredSession, bool> isAnswer, CancellationToken cancel)
    {
        var before = Volatile.Read(ref _unanswered);
        if (!await _oneCall.WaitAsync(TimeSpan.Zero, cancel))
        {
            // Another call may wait for the person, for as long as they take.
            if (await StillGoodAsync(isAnswer, cancel) is { } good) return good;
            await _oneCall.WaitAsync(cancel);
        }
        try
        {
            if (await StillGoodAsync(isAnswer, cancel) is { } session) return session;
            // Who waited while the person was asked the same has the same answer: to ask again, once for each call, would open one window after the other.
            if (_unanswered is { } last && !ReferenceEquals(last, before) && last.Asked == asked) last.Answer.Throw();
            return await AskAsync(asked, signIn, isAnswer, cancel);
        }
        finally
        {
            _oneCall.Release();
        }
    }

    /// <summary>Signs in with as many attempts as the person wants, one after the other: the turn that the first of them took is kept to the end, so nobody else asks them in between.</summary>
    public async Task<Session> InOneTurnAsync(Func<Task<Session>> signIn)
    {
        if (HasTurn) return await signIn();
        var turn = new CallsTurn();
        _turn.Value = turn;
        try
        {
            return await signIn();
        }
        finally
        {
            turn.IsOver = true;
            turn.Kept?.Dispose();
        }
    }

    /// <summary>Keeps a turn that was just taken, where more attempts may follow.</summary>
    /// <returns>Whether it is kept, and not given back by the attempt that took it.</returns>
    public bool Keeps(IDisposable? taken)
    {
        if (_turn.Value is not { IsTaken: false, IsOver: false } turn) return false;
        (turn.IsTaken, turn.Kept) = (true, taken);
        return true;
    }

    private async Task<Session?> StillGoodAsync(Func<StoredSession, bool> isAnswer, CancellationToken cancel)
    {
        if (await client.FindSessionAsync(cancel) is not { } session || !isAnswer(session.Stored)) return null;
        try
        {
            await session.GetAccessTokenAsync(cancel: cancel);
            return session;
        }
        catch (SignInRequiredException ended) when (ended.Reason is SignInRequiredReason.SessionEnded or SignInRequiredReason.SignedOut || (ended is { Reason: SignInRequiredReason.Refused, Error: { } error } && RegisteredErrors.AskForThePerson(error.Code)))
        {
            return null;
        }
    }

    // A caller who gives up has answered nothing for the others.
    private async Task<Session> AskAsync(string asked, Func<CancellationToken, Task<Session>> signIn, Func<StoredSession, bool> isAnswer, CancellationToken cancel)
    {
        try
        {
            return await TakeTurnAsync(signIn, isAnswer, cancel);
        }
        catch (Exception answer) when (!cancel.IsCancellationRequested)
        {
            Volatile.Write(ref _unanswered, new Unanswered(asked, ExceptionDispatchInfo.Capture(answer)));
            throw;
        }
    }

    // One tab on the whole machine, whatever the number of programs that find the session ended.
    private async Task<Session> TakeTurnAsync(Func<CancellationToken, Task<Session>> signIn, Func<StoredSession, bool> isAnswer, CancellationToken cancel)
    {
        var (vault, options) = (client.Vault, client.Options);
        while (true)
        {
            // The one that has ended may still be stored, or one that is for something else.
            var known = (await vault.ReadAsync(cancel))?.Id;
            async Task<bool> HasAnother() => await vault.FindAsync(options, cancel) is { } found && found.Id != known && isAnswer(found);
            var (held, waited) = await vault.TakeSignInTurnAsync(options, HasAnother, cancel);
            using (held)
            {
                if (await StillGoodAsync(isAnswer, cancel) is { } session) return session;
                // What somebody else had signed in to has ended again, and the turn is not ours yet.
                if (waited && held is null) continue;
                var stored = await vault.ReadAsync(cancel);
                if (stored?.IsOf(options) == false) throw TokenStoreException.OtherClient(vault.Path, options, stored);
                // To ask again, once for each program that waited, would not help who closed the first window; a sign-in for something else is no closed one.
                if (waited && stored?.Id == known) throw new SignInRequiredException(SignInRequiredReason.TimedOut);
                return await HavingTurnAsync(signIn, cancel);
            }
        }
    }

    // What the callback leaves running may still say that it has the turn when the turn is over.
    private async Task<Session> HavingTurnAsync(Func<CancellationToken, Task<Session>> signIn, CancellationToken cancel)
    {
        var turn = new CallsTurn { IsTaken = true };
        _turn.Value = turn;
        try
        {
            return await signIn(cancel);
        }
        finally
        {
            turn.IsOver = true;
        }
    }
}

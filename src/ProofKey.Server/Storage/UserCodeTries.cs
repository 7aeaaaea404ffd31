namespace ProofKey.Server.Storage;

/// <summary>
/// Counts the user codes that somebody tries, before they are looked up (RFC 8628 section 5.1): for each account, for each network, and
/// for all together. A right code is given back, so that only wrong ones are counted, and a code of one's own buys no further guess.
/// The count starts anew only when nothing was tried for as long as a code lives, so no code ever sees more tries than the limit.
/// </summary>
internal sealed class UserCodeTries(Database database, ServerOptions options)
{
    /// <summary>How many wrong codes an account may try while one code lives: 5 in 20^8 is a chance of less than 2^-32.</summary>
    public const int AccountLimit = 5;

    /// <summary>The same for a network, where many people may sit behind one address.</summary>
    public const int NetworkLimit = 20;

    /// <summary>The same for all people together.</summary>
    public const int TotalLimit = 200;

    /// <summary>How long somebody waits who used up their tries.</summary>
    public TimeSpan Wait => options.DeviceCodeLifetime;

    /// <summary>Counts a try. The narrow bounds come first: who has reached one of them uses up nothing of the others.</summary>
    /// <returns>The try, or <see langword="null"/> when there is none left.</returns>
    public async ValueTask<UserCodeTry?> BeginAsync(string subject, string address, DateTimeOffset now)
    {
        (byte[] Asker, int Limit)[] bounds = [(Asker("account", subject), AccountLimit), (Asker("network", address), NetworkLimit), (Asker("all", ""), TotalLimit)];
        var counted = new List<byte[]>(bounds.Length);
        var isLast = false;
        foreach (var (asker, limit) in bounds)
        {
            var tries = await CountAsync(asker, limit, now);
            if (tries > limit)
            {
                await GiveBackAsync(counted);
                return null;
            }
            counted.Add(asker);
            isLast |= tries == limit;
        }
        return new UserCodeTry(counted, isLast);
    }

    /// <summary>Takes a try back, since the code was right.</summary>
    public ValueTask GiveBackAsync(UserCodeTry attempt) => GiveBackAsync(attempt.Counted);

    private async ValueTask GiveBackAsync(IEnumerable<byte[]> askers)
    {
        foreach (var asker in askers) await database.WriteAsync($"update user_code_try set tries = tries - 1 where asker = {asker} and tries > 0");
    }

    private async ValueTask<long> CountAsync(byte[] asker, long limit, DateTimeOffset now)
    {
        var (nowMs, over) = (now.ToUnixTimeMilliseconds(), (now - Wait).ToUnixTimeMilliseconds());
        var counted = await database.WriteAsync(
            $"""
            insert into user_code_try as t (asker, tries, tried_at) values ({asker}, 1, {nowMs})
            on conflict (asker) do update set
                tries = case when t.tried_at <= {over} then 1 when t.tries > {limit} then t.tries else t.tries + 1 end,
                tried_at = case when t.tried_at > {over} and t.tries >= {limit} then t.tried_at else {nowMs} end
            returning tries
            """, reader => new Count(reader.GetInt64(0)));
        return counted!.Tries;
    }

    private sealed record Count(long Tries);

    private static byte[] Asker(string kind, string name) => Secret.Digest($"{kind} {name}")[..16];
}

/// <summary>A try that was counted.</summary>
/// <param name="Counted">The rows that it was counted on.</param>
/// <param name="IsLast">Whether somebody has none left after it, should it be wrong.</param>
internal sealed record UserCodeTry(IReadOnlyList<byte[]> Counted, bool IsLast);

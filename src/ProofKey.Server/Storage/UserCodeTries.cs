namespace ProofKey.Server.Storage;

/// <summary>
/// Counts the user codes that somebody tries, before they are looked up (RFC 8628 section 5.1): for each account, for each network, and
/// for all together. A right code is given back, so that only wrong ones are counted, and a code of one's own buys no further guess.
/// Tries are counted in periods as long as a code lives, and the limit is on this period and the one before it: no code ever sees more tries
/// than the limit, and old ones are forgotten even where somebody always tries.
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

    private long LifeMs => (long)options.DeviceCodeLifetime.TotalMilliseconds;

    /// <summary>Counts a try. The narrow bounds come first: who has reached one of them uses up nothing of the others.</summary>
    /// <returns>The try, or <see langword="null"/> when there is none left.</returns>
    public async ValueTask<UserCodeTry?> BeginAsync(string subject, string address, DateTimeOffset now)
    {
        (byte[] Asker, int Limit)[] bounds = [(Asker("account", subject), AccountLimit), (Asker("network", address), NetworkLimit), (Asker("all", ""), TotalLimit)];
        var counted = new List<CountedTry>(bounds.Length);
        var isLast = false;
        foreach (var (asker, limit) in bounds)
        {
            if (await CountAsync(asker, limit, now) is not { } one)
            {
                await GiveBackAsync(counted);
                return null;
            }
            counted.Add(one);
            isLast |= one.Tries == limit;
        }
        return new UserCodeTry(counted, isLast);
    }

    /// <summary>Takes a try back, since the code was right.</summary>
    public ValueTask GiveBackAsync(UserCodeTry attempt) => GiveBackAsync(attempt.Counted);

    // From the period that it was counted in, though that one may be over by now.
    private async ValueTask GiveBackAsync(IEnumerable<CountedTry> counted)
    {
        foreach (var (asker, startedAt, _) in counted)
        {
            await database.WriteAsync(
                $"""
                update user_code_try set
                    tries = tries - case when started_at = {startedAt} and tries > 0 then 1 else 0 end,
                    earlier = earlier - case when started_at = {startedAt + LifeMs} and earlier > 0 then 1 else 0 end
                where asker = {asker}
                """);
        }
    }

    // One statement, which writes nothing when no try is left. After a pause of a code's life all counts are over; else a period follows the
    // one before it, and its count becomes the earlier one.
    private ValueTask<CountedTry?> CountAsync(byte[] asker, long limit, DateTimeOffset now)
    {
        var (nowMs, over) = (now.ToUnixTimeMilliseconds(), now.ToUnixTimeMilliseconds() - LifeMs);
        return database.WriteAsync(
            $"""
            insert into user_code_try as t (asker, started_at, tries, earlier, tried_at) values ({asker}, {nowMs}, 1, 0, {nowMs})
            on conflict (asker) do update set
                started_at = case when t.tried_at <= {over} then {nowMs} when t.started_at <= {over} then t.started_at + {LifeMs} else t.started_at end,
                tries = case when t.tried_at <= {over} or t.started_at <= {over} then 1 else t.tries + 1 end,
                earlier = case when t.tried_at <= {over} then 0 when t.started_at <= {over} then t.tries else t.earlier end,
                tried_at = {nowMs}
            where t.tried_at <= {over} or t.tries + case when t.started_at <= {over} then 0 else t.earlier end < {limit}
            returning started_at, tries + earlier
            """, reader => new CountedTry(asker, reader.GetInt64(0), reader.GetInt64(1)));
    }

    private static byte[] Asker(string kind, string name) => Secret.Digest($"{kind} {name}")[..16];
}

/// <summary>A try that was counted.</summary>
/// <param name="Counted">Where it was counted.</param>
/// <param name="IsLast">Whether somebody has none left after it, should it be wrong.</param>
internal sealed record UserCodeTry(IReadOnlyList<CountedTry> Counted, bool IsLast);

/// <summary>A row that a try was counted on.</summary>
/// <param name="Asker">The row.</param>
/// <param name="StartedAt">The period.</param>
/// <param name="Tries">The count with it, in this period and the one before.</param>
internal sealed record CountedTry(byte[] Asker, long StartedAt, long Tries);

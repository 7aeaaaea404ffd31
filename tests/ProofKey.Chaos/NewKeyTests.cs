using ProofKey.Jose;
using ProofKey.Server.Keys;

namespace ProofKey.Chaos;

/// <summary>Keys follow each other at three servers whose clocks do not quite agree, and time is moved on by nine days.</summary>
public sealed class NewKeyTests
{
    [Fact]
    [Assertion("MD-08")]
    public Task A_new_key_is_known_to_every_server_before_any_of_them_uses_it() => Rounds.RunAsync(async dice =>
    {
        await using var at = await ServersOfOneIssuer.StartAsync(dice);
        await at.Operator.Keys.RotateAsync(atOnce: false, TestContext.Current.CancellationToken);
        var rows = await at.Operator.Keys.ListAsync(TestContext.Current.CancellationToken);
        var signs = rows.Last(key => key.Algorithm == SignatureAlgorithm.ES256.Name);
        var madeAt = rows.Last(key => key.Purpose == KeyLine.Sealing).NotBefore.AddDays(7);
        var usedAt = madeAt + KeyLine.Seals.PublishDelay;
        foreach (var moment in Moments(signs.CreatedAt, signs.NotBefore, madeAt, usedAt)) await at.MoveToAsync(moment);

        foreach (var (change, seals) in ((DateTimeOffset, bool)[])[(signs.NotBefore, false), (usedAt, true)])
        {
            var uses = at.Seen.Where(use => use.Seals == seals).ToList();
            var keys = uses.Select(use => use.Key).Distinct().ToList();
            keys.Count.ShouldBe(2);
            uses.GroupBy(use => use.Server).Select(own => own.Last().Key).ShouldAllBe(last => last == keys[1], "each of them came to use the new one");
            uses.Where(use => (use.At - change).Duration() < TimeSpan.FromSeconds(3)).Select(use => use.Key).Distinct().Count().ShouldBe(2, "one used the new one while another still used the old one");
        }
    });

    // Hour by hour for a day, and second by second where a key is made or comes into use.
    private static IEnumerable<DateTimeOffset> Moments(DateTimeOffset start, params DateTimeOffset[] changes)
    {
        var moments = Enumerable.Range(1, 26).Select(hours => start.AddHours(hours)).Concat(Enumerable.Range(2, 7).Select(days => start.AddDays(days)));
        return moments.Concat(changes.SelectMany(change => Enumerable.Range(-5, 11).Select(seconds => change.AddSeconds(seconds)))).Where(moment => moment > start).Order();
    }
}

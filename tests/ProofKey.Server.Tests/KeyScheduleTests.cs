using ProofKey.Server.Keys;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests;

/// <summary>When keys follow each other: the rules by themselves.</summary>
public sealed class KeyScheduleTests
{
    private static readonly DateTimeOffset Start = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly KeyLine Line = new(KeyLine.Signing, "ES256");

    private readonly KeySchedule _schedule = new(TimeSpan.FromDays(90), TimeSpan.FromDays(30));

    [Fact]
    public void A_line_without_a_key_gets_one_that_is_of_use_at_once()
    {
        var plan = _schedule.Plan([], KeyLine.Needed, Start);
        plan.Make.Select(key => key.Line.Algorithm).ShouldBe(["ES256", "RS256", "A256GCM"]);
        plan.Make.ShouldAllBe(key => key.NotBefore == Start);
    }

    [Theory]
    [Assertion("MD-08")]
    [InlineData(88.99, null)]
    [InlineData(89, 90.0)]
    [InlineData(89.5, 90.5)]
    [InlineData(200, 201.0)]
    public void A_signing_key_is_made_a_day_before_it_is_used(double now, double? start)
    {
        var plan = _schedule.Plan([Key(0)], [Line], Day(now));
        (plan.Make.Count == 0 ? (DateTimeOffset?)null : plan.Make.ShouldHaveSingleItem().NotBefore).ShouldBe(start is { } day ? Day(day) : null);
    }

    [Fact]
    [Assertion("MD-08")]
    public void An_old_key_gets_its_end_with_its_successor_and_goes_then()
    {
        var plan = _schedule.Plan([Key(0), Key(90)], [Line], Day(89));
        var (key, end) = plan.Retire.ShouldHaveSingleItem();
        (key.Id, end).ShouldBe(("0", Day(90 + 31)));
        var rows = new List<StoredKey> { Key(0) with { RetireAfter = Day(121) }, Key(90) };
        _schedule.Plan(rows, [Line], Day(120.99)).IsEmpty.ShouldBeTrue();
        _schedule.Plan(rows, [Line], Day(121)).Remove.ShouldHaveSingleItem().Id.ShouldBe("0");
    }

    [Fact]
    public void The_last_key_of_a_line_never_goes() =>
        _schedule.Plan([Key(0) with { RetireAfter = Day(1) }], [Line], Day(2)).IsEmpty.ShouldBeTrue();

    [Theory]
    [InlineData(1, 30, 2)]
    [InlineData(400, 30, 31)]
    [InlineData(90, 400, 91)]
    [InlineData(1, 1 / 24.0, 1 + (1 / 24.0))]
    public void An_old_signing_key_stays_as_long_as_it_signed_or_a_grant_lives_and_always_a_day(double lifetime, double refresh, double retention)
    {
        var plan = new KeySchedule(TimeSpan.FromDays(lifetime), TimeSpan.FromDays(refresh)).Plan([Key(0), Key(1)], [Line], Day(0.5));
        (plan.Retire.ShouldHaveSingleItem().At - Day(1)).TotalDays.ShouldBe(retention, 0.0001);
    }

    [Fact]
    public void The_key_in_use_is_the_newest_whose_time_has_come()
    {
        StoredKey[] rows = [Key(0), Key(10), Key(20)];
        KeySchedule.Current(rows, Day(15))!.Id.ShouldBe("10");
        KeySchedule.Current(rows, Day(20))!.Id.ShouldBe("20");
        KeySchedule.Current(rows, Day(-1))!.Id.ShouldBe("0", "a clock that was set back leaves nobody without a key");
        KeySchedule.Current([], Start).ShouldBeNull();
    }

    [Fact]
    public void A_key_that_only_some_clients_need_is_kept_up_once_it_is_there()
    {
        var plan = _schedule.Plan([Key(0) with { Algorithm = "PS256" }], KeyLine.Needed, Day(89));
        plan.Make.Select(key => key.Line.Algorithm).ShouldBe(["ES256", "RS256", "A256GCM", "PS256"]);
    }

    private static DateTimeOffset Day(double day) => Start + TimeSpan.FromDays(day);

    private static StoredKey Key(int day) => new($"{day}", Line.Purpose, Line.Algorithm, [], Day(day), null, Day(day));
}

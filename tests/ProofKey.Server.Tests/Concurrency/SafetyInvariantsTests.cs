using System.Net;

namespace ProofKey.Server.Tests.Concurrency;

/// <summary>The checker finds what it is there to find.</summary>
public sealed class SafetyInvariantsTests
{
    private readonly List<LogEntry> _log = [];

    private void Add(Act act, string? presented, string? next = null, HttpStatusCode status = HttpStatusCode.OK, string client = "a", int overlaps = 0) =>
        _log.Add(new LogEntry((_log.Count * 10) - (overlaps * 10), (_log.Count * 10) + 5, act, "grant", "a", client, presented, status, next));

    private void ShouldBreak(string? rule, bool mayBeUnavailable = false, bool isStrict = false)
    {
        var broken = SafetyInvariants.Broken(_log, mayBeUnavailable, isStrict);
        if (rule is null) broken.ShouldBeEmpty();
        else broken.ShouldContain(line => line.StartsWith(rule, StringComparison.Ordinal));
    }

    [Fact]
    public void A_flow_without_a_fault_breaks_nothing()
    {
        Add(Act.Redeem, "code", "r1");
        Add(Act.Refresh, "r1", "r2");
        Add(Act.Refresh, "r1", "r2");
        Add(Act.Refresh, "r2", "r2");
        Add(Act.Refresh, "r2", "r3");
        Add(Act.Userinfo, "access");
        Add(Act.Refresh, "r1", status: HttpStatusCode.BadRequest);
        Add(Act.Revoke, "r3");
        Add(Act.Refresh, "r3", status: HttpStatusCode.BadRequest);
        ShouldBreak(null);
    }

    [Fact]
    public void A_late_return_may_supersede_a_successor_that_nobody_used()
    {
        Add(Act.Redeem, "code", "r1");
        Add(Act.Refresh, "r1", "r2");
        Add(Act.Refresh, "r1", "r2'");
        Add(Act.Refresh, "r2'", "r3");
        Add(Act.Refresh, "r2", status: HttpStatusCode.BadRequest);
        ShouldBreak(null);
    }

    [Fact]
    public void Two_redemptions_break_I1()
    {
        Add(Act.Redeem, "code", "r1");
        Add(Act.Redeem, "code", "r1'", overlaps: 1);
        ShouldBreak("I1");
    }

    [Fact]
    public void Two_living_lineages_break_I2()
    {
        Add(Act.Redeem, "code", "r1");
        Add(Act.Refresh, "r1", "r2");
        Add(Act.Refresh, "r1", "r2'", overlaps: 1);
        Add(Act.Refresh, "r2", "r3");
        Add(Act.Refresh, "r2'", "r3'");
        ShouldBreak("I2");
    }

    [Theory]
    [InlineData(Act.Refresh)]
    [InlineData(Act.Userinfo)]
    public void What_works_after_revocation_breaks_I3_and_what_overlapped_it_does_not(Act act)
    {
        Add(Act.Redeem, "code", "r1");
        Add(Act.Revoke, "r1");
        Add(act, "r1", overlaps: 2);
        ShouldBreak(null);
        Add(act, "r1");
        ShouldBreak("I3");
    }

    [Fact]
    public void What_works_for_another_client_breaks_I4()
    {
        Add(Act.Redeem, "code", "r1", client: "b");
        ShouldBreak("I4");
    }

    [Fact]
    public void A_used_value_that_works_again_breaks_I5()
    {
        Add(Act.Redeem, "code", "r1");
        Add(Act.Refresh, "r1", "r2");
        Add(Act.Refresh, "r2", "r3");
        Add(Act.Refresh, "r1", "r2");
        ShouldBreak("I5");
    }

    [Theory]
    [InlineData(Act.Redeem)]
    [InlineData(Act.Refresh)]
    [InlineData(Act.Userinfo)]
    public void What_works_when_its_person_has_gone_breaks_I6(Act act)
    {
        Add(Act.End, null);
        Add(act, "r1");
        ShouldBreak("I6");
    }

    [Fact]
    public void A_server_error_is_broken_always()
    {
        Add(Act.Refresh, "r1", status: HttpStatusCode.InternalServerError);
        ShouldBreak("no 5xx");
        ShouldBreak("no 5xx", mayBeUnavailable: true);
    }

    [Fact]
    public void Unavailable_is_broken_unless_something_failed()
    {
        Add(Act.Refresh, "r1", status: HttpStatusCode.ServiceUnavailable);
        ShouldBreak("no 5xx");
        ShouldBreak(null, mayBeUnavailable: true);
    }

    [Fact]
    public void A_lost_answer_breaks_nothing_and_its_token_may_come_again()
    {
        Add(Act.Redeem, "code", "r1");
        Add(Act.Refresh, "r1", status: default);
        Add(Act.Refresh, "r1", "r2");
        Add(Act.Revoke, "r2", status: default);
        Add(Act.Refresh, "r2", "r3");
        ShouldBreak(null, isStrict: true);
    }

    [Fact]
    public void To_the_letter_a_token_that_is_good_twice_breaks_I2()
    {
        Add(Act.Redeem, "code", "r1");
        Add(Act.Refresh, "r1", "r2");
        Add(Act.Refresh, "r1", "r2");
        ShouldBreak(null);
        ShouldBreak("I2", isStrict: true);
    }
}

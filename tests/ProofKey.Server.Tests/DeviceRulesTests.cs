using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests;

/// <summary>The rules for devices as they stand in their files, without a server.</summary>
public sealed class DeviceRulesTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly DeviceCode Code = DeviceCode.New(Now);

    private static readonly DeviceApproval Approval = new("subject", 1, null, Now.AddHours(1), Now, "pwd", null);

    private static DeviceRow Row() => new()
    {
        Id = Code.Id,
        SecretDigest = Code.SecretDigest,
        ClientId = "client",
        Scope = Scope.None,
        Address = "203.0.113.1",
        CreatedAt = Now,
        ExpiresAt = Now.AddMinutes(5),
        Interval = TimeSpan.FromSeconds(5),
    };

    private static string Decide(DeviceRow? row, string clientId = "client", DateTimeOffset? now = null) => DeviceCodeGrant.Decide(new(row, Code, clientId, now ?? Now)) switch
    {
        DeviceCodeGrant.Refuse refuse => refuse.Refusal.Error.Code,
        _ => "redeem",
    };

    [Fact]
    [Assertion("DV-01")]
    [Rfc("RFC 8628", "3.1")]
    public void The_order_of_the_rules_for_a_request_is_the_policy() => DeviceRequest.Rules.Select(rule => rule.Name).ShouldBe(
        [
            "client is registered for devices", // before anything is said about what it may ask for
            "scope is registered",
            "resource is registered",
            "scope belongs to the resource", // when both are known
        ]);

    [Fact]
    [Assertion("DV-04")]
    [Rfc("RFC 8628", "3.5")]
    public void The_order_of_the_rules_for_a_poll_is_the_policy() => DeviceCodeGrant.Rules.Select(rule => rule.Name).ShouldBe(
        [
            "row is there", // all others look at it
            "issued to this client", // nothing is said to anybody else
            "secret is the row's", // nor to whoever has the key and not the code
            "not denied", // a no does not turn into anything else with time
            "not expired",
            "decided", // whoever was let in is not slowed down
            "session lives",
        ]);

    [Fact]
    [Assertion("DV-04")]
    public void Each_state_of_a_device_has_one_answer()
    {
        Decide(null).ShouldBe("expired_token");
        Decide(Row()).ShouldBe("authorization_pending");
        Decide(Row() with { IsTooFast = true }).ShouldBe("slow_down");
        Decide(Row(), now: Now.AddMinutes(5)).ShouldBe("expired_token");
        Decide(Row(), now: Now.AddMinutes(5).AddMilliseconds(-1)).ShouldBe("authorization_pending");
        Decide(Row() with { DecidedAt = Now }).ShouldBe("access_denied");
        Decide(Row() with { DecidedAt = Now }, now: Now.AddHours(1)).ShouldBe("access_denied");
        Decide(Row() with { DecidedAt = Now, Approval = Approval }).ShouldBe("redeem");
        Decide(Row() with { DecidedAt = Now, Approval = Approval, IsTooFast = true }).ShouldBe("redeem");
        Decide(Row() with { DecidedAt = Now, Approval = Approval }, now: Now.AddMinutes(5)).ShouldBe("expired_token");
        Decide(Row() with { DecidedAt = Now, Approval = Approval with { GrantExpiresAt = Now } }).ShouldBe("invalid_grant");
        foreach (var row in (DeviceRow[])[Row(), Row() with { DecidedAt = Now }, Row() with { DecidedAt = Now, Approval = Approval }])
        {
            Decide(row, "other").ShouldBe("invalid_grant");
            Decide(row with { SecretDigest = Secret.Digest("other") }).ShouldBe("invalid_grant");
        }
    }

    [Fact]
    [Assertion("DV-03")]
    [Rfc("RFC 8628", "6.1")]
    public void User_codes_have_eight_letters_each_as_likely_as_any_other()
    {
        UserCode.Alphabet.Distinct().Count().ShouldBe(20);
        UserCode.Alphabet.ShouldNotContain("AEIOUY");
        var counts = new Dictionary<char, int>();
        for (var round = 0; round < 5000; round++)
            foreach (var letter in UserCode.New().ToString().Replace("-", "", StringComparison.Ordinal))
                counts[letter] = counts.GetValueOrDefault(letter) + 1;
        counts.Keys.Order().ShouldBe(UserCode.Alphabet.Order());
        // 2000 of each on average: six standard deviations are 270.
        counts.Values.ShouldAllBe(count => count > 1700 && count < 2300);
    }

    [Fact]
    [Assertion("DV-09")]
    [Rfc("RFC 8628", "6.1")]
    public void A_code_has_one_reading_however_it_is_typed()
    {
        var code = UserCode.New();
        var shown = code.ToString();
        foreach (var typed in (string[])[shown, shown.ToLowerInvariant(), shown.Replace("-", "", StringComparison.Ordinal), $" {shown}\t", shown.Replace('-', '_'), string.Join('.', shown.AsEnumerable())])
            UserCode.Read(typed).ShouldBe(code, typed);
        foreach (var wrong in (string?[])[null, "", shown[..8], shown + "B", shown.Replace(shown[0], '1'), shown.Replace(shown[0], 'A'), new(' ', 41)])
            UserCode.Read(wrong).ShouldBeNull(wrong);
    }
}

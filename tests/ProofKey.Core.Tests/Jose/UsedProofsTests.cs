using ProofKey.Jose;

namespace ProofKey.Core.Tests.Jose;

/// <summary>The memory of used proofs: each once, as long as it would be accepted, and no more than there is room for.</summary>
public class UsedProofsTests
{
    private static readonly DateTimeOffset Now = HandMade.Now;

    [Fact]
    [Assertion("DP-07")]
    [Rfc("RFC 9449", "11.1")]
    public void A_proof_is_remembered_to_the_far_end_of_its_window()
    {
        var used = new UsedProofs();
        var fromAhead = Proof(issuedAt: Now.AddSeconds(10));
        used.Use(fromAhead, Now).ShouldBe(ProofUse.First);
        for (var second = 0; second < 70; second++) used.Use(fromAhead, Now.AddSeconds(second)).ShouldBe(ProofUse.Replayed, $"after {second} s");
        fromAhead.GoodUntil.ShouldBe(Now.AddSeconds(70));
    }

    [Fact]
    [Rfc("RFC 9449", "11.1")]
    public void What_has_ended_is_forgotten()
    {
        var used = new UsedProofs();
        for (var i = 0; i < 100; i++) used.Use(Proof(), Now).ShouldBe(ProofUse.First);
        used.Count.ShouldBe(100);
        used.Use(Proof(issuedAt: Now.AddMinutes(3)), Now.AddMinutes(3)).ShouldBe(ProofUse.First);
        used.Count.ShouldBe(1);
    }

    [Fact]
    [Rfc("RFC 9449", "11.1")]
    public void The_same_id_counts_for_one_key_and_address()
    {
        var used = new UsedProofs();
        used.Use(Proof("id"), Now).ShouldBe(ProofUse.First);
        used.Use(Proof("id", Now.AddSeconds(5)), Now).ShouldBe(ProofUse.Replayed, "made anew with the same id");
        used.Use(Proof("id", address: "https://api.example/other"), Now).ShouldBe(ProofUse.First);
        used.Use(Proof("id", key: TestKeys.Rsa), Now).ShouldBe(ProofUse.First);
        used.Use(Proof("id2"), Now).ShouldBe(ProofUse.First);
    }

    [Fact]
    [Assertion("DP-07")]
    public void A_full_memory_refuses_and_forgets_nothing()
    {
        var used = new UsedProofs(capacity: 2);
        var first = Proof();
        used.Use(first, Now).ShouldBe(ProofUse.First);
        used.Use(Proof(), Now).ShouldBe(ProofUse.First);
        var third = Proof();
        used.Use(third, Now).ShouldBe(ProofUse.Unknown);
        used.Use(first, Now).ShouldBe(ProofUse.Replayed);
        used.Count.ShouldBe(2);
        used.Use(Proof(issuedAt: Now.AddMinutes(3)), Now.AddMinutes(3)).ShouldBe(ProofUse.First, "there is room again");
    }

    [Fact]
    [Assertion("DP-07")]
    public void Nobody_takes_more_than_their_share()
    {
        var used = new UsedProofs(capacity: 5, capacityPerHolder: 2);
        var first = Proof();
        used.Use(first, Now, "alice").ShouldBe(ProofUse.First);
        used.Use(Proof(issuedAt: Now.AddSeconds(10)), Now, "alice").ShouldBe(ProofUse.First);
        used.Use(Proof(), Now, "alice").ShouldBe(ProofUse.Unknown);
        used.Use(first, Now, "alice").ShouldBe(ProofUse.Replayed);
        for (var i = 0; i < 2; i++) used.Use(Proof(), Now, "bob").ShouldBe(ProofUse.First);
        used.Use(Proof(), Now).ShouldBe(ProofUse.First, "nobody's");
        used.Use(Proof(), Now, "carol").ShouldBe(ProofUse.Unknown, "there is no place in all");
        var later = Now.AddMinutes(3);
        for (var i = 0; i < 2; i++) used.Use(Proof(issuedAt: later), later, "alice").ShouldBe(ProofUse.First, "those of before have ended");
        used.Use(Proof(issuedAt: later), later, "alice").ShouldBe(ProofUse.Unknown);
    }

    [Fact]
    [Assertion("DP-07")]
    public async Task Of_32_at_once_one_is_first()
    {
        var used = new UsedProofs();
        for (var round = 0; round < 50; round++)
        {
            var proof = Proof();
            using var start = new Barrier(8);
            var uses = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait();
                    return (ProofUse[])[.. Enumerable.Range(0, 4).Select(_ => used.Use(proof, Now))];
                }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
            uses.SelectMany(use => use).Count(use => use == ProofUse.First).ShouldBe(1);
        }
    }

    private static DpopProof Proof(string? id = null, DateTimeOffset? issuedAt = null, string address = "https://api.example/orders", SigningKey? key = null)
    {
        var at = issuedAt ?? Now;
        var proof = Dpop.Prove(key ?? TestKeys.Ec, "GET", new Uri(address), at);
        if (id is not null)
        {
            var parts = proof.Split('.');
            Base64UrlText.TryDecode(parts[0], out var header).ShouldBeTrue();
            proof = HandMade.Token(System.Text.Encoding.UTF8.GetString(header!), $$"""{"jti":"{{id}}","htm":"GET","htu":"{{address}}","iat":{{at.ToUnixTimeSeconds()}}}""", data => (key ?? TestKeys.Ec).Sign(data));
        }
        return DpopProof.Check([proof], new DpopExpectations { Method = "GET", Address = address }, at < Now ? Now : at).Proof.ShouldNotBeNull();
    }
}

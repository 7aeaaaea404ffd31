using System.Net;
using ProofKey.Server.Accounts;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Password hashes wait in a short queue, and nobody else waits for them.</summary>
public sealed class HashQueueTests
{
    private static List<HashQueue.Place> Fill(HashQueue queue)
    {
        var places = new List<HashQueue.Place>();
        foreach (var address in (string[])["192.0.2.1", "192.0.2.2", "192.0.2.3"])
            while (queue.TryEnter(address) is { } place) places.Add(place);
        return places;
    }

    [Fact]
    [Assertion("UI-13")]
    public async Task No_more_hashes_run_at_once_than_half_of_the_processors()
    {
        using var queue = new HashQueue();
        var (running, most) = (0, 0);
        using var gate = new SemaphoreSlim(0);
        bool Hash()
        {
            InterlockedMax(ref most, Interlocked.Increment(ref running));
            gate.Wait(TestContext.Current.CancellationToken);
            Interlocked.Decrement(ref running);
            return true;
        }

        var places = Enumerable.Range(0, 20).Select(_ => queue.TryEnter("192.0.2.1").ShouldNotBeNull()).ToList();
        var hashes = places.Select(place => place.RunAsync(Hash, TestContext.Current.CancellationToken)).ToList();
        gate.Release(places.Count);
        (await Task.WhenAll(hashes)).ShouldAllBe(done => done);
        most.ShouldBeLessThanOrEqualTo(HashQueue.Threads);
        queue.Length.ShouldBe(20, "a place is taken until it is given back");
        places.ForEach(place => place.Dispose());
        queue.Length.ShouldBe(0);
    }

    private static void InterlockedMax(ref int most, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, seen) != seen)
        {
            // Somebody else was faster.
        }
    }

    [Fact]
    [Assertion("UI-13")]
    public void The_queue_is_short_and_one_network_cannot_take_all_of_it()
    {
        using var queue = new HashQueue();
        var flood = new List<HashQueue.Place>();
        while (queue.TryEnter("192.0.2.1") is { } place) flood.Add(place);
        flood.Count.ShouldBe(HashQueue.MaxPlacesOfOne);
        using (queue.TryEnter("192.0.2.2").ShouldNotBeNull()) queue.Length.ShouldBe(HashQueue.MaxPlacesOfOne + 1);
        var rest = Fill(queue);
        queue.Length.ShouldBe(HashQueue.MaxPlaces);
        queue.TryEnter("192.0.2.9").ShouldBeNull();
        rest[0].Dispose();
        queue.TryEnter("192.0.2.9").ShouldNotBeNull();
        flood.Count.ShouldBeLessThan(HashQueue.MaxPlaces);
    }

    [Fact]
    public async Task Networks_take_turns_and_who_has_gone_costs_nothing()
    {
        using var queue = new HashQueue();
        using var gate = new SemaphoreSlim(0);
        var order = new List<string>();
        // Whatever the number of threads, all of them are held until everyone has queued up.
        var held = Enumerable.Range(0, HashQueue.Threads).Select(_ => queue.TryEnter("held")!.RunAsync(() => gate.Wait(TimeSpan.FromMinutes(1), CancellationToken.None), CancellationToken.None)).ToList();
        Task<bool> Enqueue(string address, CancellationToken cancellation) => queue.TryEnter(address)!.RunAsync(
            () =>
            {
                lock (order) order.Add(address);
                return true;
            }, cancellation);

        using var gone = new CancellationTokenSource();
        var flood = Enumerable.Range(0, 10).Select(_ => Enqueue("flood", CancellationToken.None)).ToList();
        var left = Enqueue("left", gone.Token);
        var other = Enqueue("other", CancellationToken.None);
        await gone.CancelAsync();
        gate.Release(held.Count);
        await Task.WhenAll([.. held, .. flood, other]);
        await Should.ThrowAsync<OperationCanceledException>(() => left);
        order.ShouldNotContain("left");
        // One thread more or less may be between taking a job and noting it.
        order.IndexOf("other").ShouldBeLessThan(2 + HashQueue.Threads, "the first of the other network comes after the first of the flood, not after the last");
    }

    [Fact]
    [Assertion("UI-10")]
    [Assertion("UI-13")]
    public async Task When_it_is_full_the_page_says_so_and_no_try_is_counted()
    {
        await using var server = await RunningServer.StartAsync();
        using var person = server.NewPerson();
        var form = await person.SignInFormAsync(new AuthorizeUrl(server, await server.AddClientAsync()));
        var places = Fill(server.Service<HashQueue>());
        for (var i = 0; i < PasswordSignIn.MaxTries + 1; i++)
        {
            var busy = await person.PostOnceAsync(form, [("username", RunningServer.UserName), ("password", "wrong password")]);
            busy.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
            busy.Header("Retry-After").ShouldBe("5");
            (await busy.PageAsync()).QuerySelector("#problem")!.TextContent.ShouldContain("try again in a few seconds");
        }
        var client = await server.AddClientAsync();
        var answer = await server.PostFormAsync("/token", new Dictionary<string, string> { ["grant_type"] = "refresh_token", ["client_id"] = client.Id, ["refresh_token"] = "x" });
        answer.Error.ShouldBe("invalid_grant", "everyone else is served");
        places.ForEach(place => place.Dispose());
        (await person.PostOnceAsync(form, [("username", RunningServer.UserName), ("password", RunningServer.Password)])).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        (await server.Service<AuditTrail>().ListAsync(new AuditFilter { Kind = "sign-in-failed" }, null, CancellationToken.None)).ShouldBeEmpty();
    }
}

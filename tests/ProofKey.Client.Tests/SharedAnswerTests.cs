namespace ProofKey.Client.Tests;

/// <summary>Calls of one program that need a person share the question and what is answered.</summary>
public sealed class SharedAnswerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Twenty_calls_of_one_program_ask_the_person_who_says_no_once()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options());
        var (asked, no) = (0, new TaskCompletionSource());
        async Task<Session> AskAsync(CancellationToken cancel)
        {
            Interlocked.Increment(ref asked);
            await no.Task;
            throw new SignInRequiredException(SignInRequiredReason.UserDenied);
        }

        var calls = Enumerable.Range(0, 20).Select(_ => client.GetSessionAsync(AskAsync, Cancel)).ToList();
        no.SetResult();

        foreach (var call in calls) (await Should.ThrowAsync<SignInRequiredException>(() => call)).Reason.ShouldBe(SignInRequiredReason.UserDenied);
        asked.ShouldBe(1);
        // Who asks after that means it.
        await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(AskAsync, Cancel));
        asked.ShouldBe(2);
    }

    [Fact]
    public async Task A_refusal_of_what_an_API_wanted_is_no_answer_to_a_call_that_wants_any_session()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        var (opened, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var client = new PublicClient(server.Options() with
        {
            OpenBrowser = async (address, cancel) =>
            {
                opened.TrySetResult();
                await goOn.Task;
                return await browser.OpenAsync(address, cancel);
            },
        });
        server.AuthorizeError = "unmet_authentication_requirements";
        var better = client.GetSessionAsync(new StepUp(["urn:example:hardware"], null), Cancel);
        await opened.Task;

        var any = client.GetSessionAsync(
            async cancel =>
            {
                server.AuthorizeError = null;
                await using var pending = await client.BeginAsync(cancel);
                await pending.OpenBrowserAsync(cancel);
                return ((SignInResult.SignedIn)await pending.EndAsync(cancel)).Session;
            },
            Cancel);
        goOn.SetResult();

        (await Should.ThrowAsync<SignInRequiredException>(() => better)).Error!.Code.ShouldBe("unmet_authentication_requirements");
        (await any).Subject.ShouldBe("alice");
    }

    [Fact]
    public async Task Who_has_a_good_session_waits_for_no_person_whom_another_call_asks_for_more()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        var (opened, thought) = (new TaskCompletionSource(), new TaskCompletionSource());
        var thinks = false;
        await using var client = new PublicClient(server.Options() with
        {
            OpenBrowser = async (address, cancel) =>
            {
                opened.TrySetResult();
                if (thinks) await thought.Task;
                return await browser.OpenAsync(address, cancel);
            },
        });
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        (opened, thinks) = (new TaskCompletionSource(), true);
        var better = client.GetSessionAsync(new StepUp(["urn:example:hardware"], null), Cancel);
        await opened.Task;

        (await client.GetSessionAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel)).Stored.Id.ShouldBe(session.Stored.Id);

        better.IsCompleted.ShouldBeFalse();
        thought.SetResult();
        (await Should.ThrowAsync<ProtocolViolationException>(() => better)).Code.ShouldBe("id_token_acr");
    }

    [Fact]
    public async Task A_caller_who_gives_up_leaves_the_question_to_the_next()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        using var giveUp = new CancellationTokenSource();
        var first = client.GetSessionAsync(
            async cancel =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
                throw new InvalidOperationException("Nobody waits that long.");
            },
            giveUp.Token);
        var second = client.GetSessionAsync(Cancel);

        await giveUp.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => first);
        (await second).Subject.ShouldBe("alice");
    }
}

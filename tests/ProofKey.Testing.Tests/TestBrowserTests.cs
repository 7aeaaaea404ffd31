using System.Net;

namespace ProofKey.Testing.Tests;

public sealed class TestBrowserTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(ResponseMode.Query)]
    [InlineData(ResponseMode.FormPost)]
    public async Task A_person_who_says_no_is_an_ending_of_its_own(ResponseMode mode)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser { Person = PersonDoes.Denies };
        await using var client = new PublicClient(server.Options(browser) with { ResponseMode = mode });
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);

        (await pending.CompleteAsync(Cancel)).ShouldBe(new SignInResult.Cancelled(CancelReason.UserDenied));
        (await browser.Page).Html.ShouldContain("<h1>");
    }

    [Theory]
    [InlineData(PersonDoes.ClosesTheWindow)]
    [InlineData(PersonDoes.Hangs)]
    public async Task A_person_who_brings_no_answer_lets_the_time_run_out(PersonDoes person)
    {
        var time = new ManualTime();
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser { Person = person };
        await using var client = new PublicClient(server.Options(browser) with { TimeProvider = time, Timeout = TimeSpan.FromMinutes(5) });
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);
        await browser.Page;

        var ending = pending.CompleteAsync(Cancel);
        time.Advance(TimeSpan.FromMinutes(4.9));
        ending.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromMinutes(0.1));

        (await ending).ShouldBe(new SignInResult.Cancelled(CancelReason.TimedOut));
        server.Count("/token").ShouldBe(0);
    }

    [Fact]
    public async Task A_machine_without_a_browser_is_said()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser { Person = PersonDoes.HasNoBrowser };
        await using var client = new PublicClient(server.Options(browser));

        (await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(Cancel))).Code.ShouldBe("no_browser");
        await Should.ThrowAsync<InvalidOperationException>(() => browser.Page);
    }

    [Theory]
    [InlineData(ResponseMode.Query, 2, false)]
    [InlineData(ResponseMode.FormPost, 4, false)]
    [InlineData(ResponseMode.Query, 2, true)]
    [InlineData(ResponseMode.FormPost, 4, true)]
    [Assertion("CL-01")]
    [Assertion("CL-07")]
    public async Task Strays_of_every_kind_neither_end_nor_fake_the_sign_in(ResponseMode mode, int guesses, bool isPushed)
    {
        var ignored = new List<IgnoredRequestReason>();
        await using var server = await ScriptedServer.StartAsync();
        server.TakesPushed = isPushed;
        using var browser = new TestBrowser { Strays = Strays.All };
        await using var client = new PublicClient(server.Options(browser) with
        {
            ResponseMode = mode,
            OnEvent = happened =>
            {
                if (happened is ClientEvent.RequestIgnored stray) lock (ignored) ignored.Add(stray.Reason);
            },
        });

        (await client.GetSessionAsync(Cancel)).Subject.ShouldBe("alice");
        (await browser.Page).Status.ShouldBe(HttpStatusCode.OK);

        var strays = guesses + 3;
        browser.StrayAnswers.Count.ShouldBeGreaterThanOrEqualTo(strays);
        // The answer once more ends as the first one does.
        browser.StrayAnswers.Take(strays).ShouldAllBe(status => status == HttpStatusCode.NoContent || (int)status >= 400, "a preflight is answered without a page");
        ignored.Take(strays).ShouldBe([IgnoredRequestReason.Path, IgnoredRequestReason.Method, .. Enumerable.Repeat(IgnoredRequestReason.State, guesses), IgnoredRequestReason.Host]);
        server.Count("/token").ShouldBe(1);
    }

    [Fact]
    public async Task A_server_that_leads_to_itself_is_left_after_twenty_times()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        server.Instead["/round"] = context =>
        {
            context.Response.StatusCode = 302;
            context.Response.Headers.Location = "/round";
            return Task.CompletedTask;
        };

        (await Should.ThrowAsync<InvalidOperationException>(() => browser.BrowseAsync(server.At("/round")))).Message.ShouldContain("led on 20 times");

        server.Count("/round").ShouldBe(21);
    }
}

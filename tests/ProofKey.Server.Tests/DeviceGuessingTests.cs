using System.Globalization;
using System.Net;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Guessing user codes: counted before they are looked up, for each account, each network and all together.</summary>
public sealed class DeviceGuessingTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private RegisteredClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _client = await _server.AddDeviceClientAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task<Person> NewPersonAsync()
    {
        var name = "p" + Secret.NewText(8);
        await _server.Registry.AddAccountAsync(name, RunningServer.Password, null, isAdmin: false);
        return await _server.SignedInAsync(name);
    }

    private static async Task<HttpStatusCode> GuessAsync(Person person, string? code = null) => (await person.EnterCodeAsync(code ?? UserCode.New().ToString())).StatusCode;

    [Fact]
    [Assertion("DV-02")]
    [Rfc("RFC 8628", "5.1")]
    public async Task After_five_wrong_codes_an_account_waits_as_long_as_a_code_lives_and_the_right_one_does_not_help()
    {
        using var guesser = await NewPersonAsync();
        for (var count = 0; count < 5; count++) (await GuessAsync(guesser)).ShouldBe(HttpStatusCode.BadRequest);
        var device = await _server.AskAsync(_client);
        var refused = await guesser.EnterCodeAsync(device.UserCode);
        refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        refused.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromMinutes(5));
        (await refused.PageAsync()).QuerySelector("#problem")!.TextContent.ShouldContain("wait 5 minutes");
        using var another = await NewPersonAsync();
        (await GuessAsync(another, device.UserCode)).ShouldBe(HttpStatusCode.OK, "nobody else waits");

        _server.Time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromMilliseconds(1));
        (await GuessAsync(guesser)).ShouldBe(HttpStatusCode.TooManyRequests);
        _server.Time.Advance(TimeSpan.FromMilliseconds(1));
        (await GuessAsync(guesser, (await _server.AskAsync(_client)).UserCode)).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("DV-02")]
    public async Task Another_session_of_the_account_and_a_code_of_ones_own_buy_no_further_guess()
    {
        var name = "p" + Secret.NewText(8);
        await _server.Registry.AddAccountAsync(name, RunningServer.Password, null, isAdmin: false);
        var looked = 0;
        for (var count = 0; count < 12; count++)
        {
            using var session = await _server.SignedInAsync(name);
            if (count < 4) (await GuessAsync(session, (await _server.AskAsync(_client)).UserCode)).ShouldBe(HttpStatusCode.OK);
            if (await GuessAsync(session) == HttpStatusCode.BadRequest) looked++;
        }
        looked.ShouldBe(UserCodeTries.AccountLimit);
    }

    [Fact]
    [Assertion("DV-02")]
    public async Task No_code_sees_more_than_five_guesses_of_an_account_in_its_life_however_they_are_spread()
    {
        using var guesser = await NewPersonAsync();
        var looked = new List<DateTimeOffset>();
        for (var minute = 0; minute < 40; minute++)
        {
            for (var count = 0; count < 2; count++)
                if (await GuessAsync(guesser) == HttpStatusCode.BadRequest) looked.Add(_server.Time.Now);
            _server.Time.Advance(TimeSpan.FromMinutes(1));
        }
        looked.Count.ShouldBeGreaterThan(10, "whoever waited may go on");
        foreach (var start in looked) looked.Count(at => at >= start && at < start + TimeSpan.FromMinutes(5)).ShouldBeLessThanOrEqualTo(UserCodeTries.AccountLimit, start.ToString(CultureInfo.InvariantCulture));
    }

    [Fact]
    [Assertion("DV-02")]
    public async Task Of_forty_guesses_at_once_at_two_servers_five_are_looked_at()
    {
        using var guesser = await NewPersonAsync();
        await using var replica = await Replica.StartAsync(_server);
        var form = await Person.FormOf(await guesser.GetAsync("/device"));
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(number => guesser.PostOnceAsync(
            number % 2 == 0 ? form : form with { Action = replica.Address + form.Action }, [("user_code", UserCode.New().ToString())])));
        answers.Count(answer => answer.StatusCode == HttpStatusCode.BadRequest).ShouldBe(5);
        answers.Count(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).ShouldBe(35);
    }

    [Fact]
    [Assertion("DV-02")]
    public async Task A_network_has_twenty_guesses_whoever_makes_them_and_all_together_have_two_hundred()
    {
        var tries = _server.Service<UserCodeTries>();
        var now = _server.Time.Now;
        async Task<int> AdmittedAsync(int count, Func<int, string> subject, Func<int, string> address)
        {
            var admitted = 0;
            for (var number = 0; number < count; number++)
                if (await tries.BeginAsync(subject(number), address(number), now) is not null) admitted++;
            return admitted;
        }

        (await AdmittedAsync(30, number => $"one{number}", _ => "203.0.113.1")).ShouldBe(UserCodeTries.NetworkLimit);
        (await AdmittedAsync(300, number => $"two{number}", number => $"198.51.100.{number % 250}")).ShouldBe(UserCodeTries.TotalLimit - UserCodeTries.NetworkLimit);
        now += TimeSpan.FromMinutes(5);
        (await AdmittedAsync(1, _ => "one0", _ => "203.0.113.1")).ShouldBe(1);
    }

    [Fact]
    [Assertion("DV-02")]
    public async Task Slips_that_never_pause_do_not_add_up_for_days_and_no_stretch_of_a_codes_life_sees_more_than_the_limit()
    {
        var tries = _server.Service<UserCodeTries>();
        var now = _server.Time.Now;
        for (var slip = 0; slip < 2 * UserCodeTries.TotalLimit; slip++, now += TimeSpan.FromMinutes(4))
            (await tries.BeginAsync($"slip{slip}", $"slip{slip}", now)).ShouldNotBeNull($"slip {slip}");

        var admitted = new List<DateTimeOffset>();
        for (var step = 0; step < 300; step++, now += TimeSpan.FromSeconds(7 + (step % 11)))
            if (await tries.BeginAsync("eager", $"network{step}", now) is not null) admitted.Add(now);
        admitted.Count.ShouldBeGreaterThan(20, "whoever waited may go on");
        foreach (var start in admitted) admitted.Count(at => at >= start && at < start + TimeSpan.FromMinutes(5)).ShouldBeLessThanOrEqualTo(UserCodeTries.AccountLimit);
    }

    [Fact]
    [Assertion("DV-02")]
    public async Task A_right_code_is_given_back_to_the_period_that_counted_it()
    {
        var tries = _server.Service<UserCodeTries>();
        var start = _server.Time.Now;
        async Task<UserCodeTry?> TryAsync(double minutes, string network) => await tries.BeginAsync("one", network, start + TimeSpan.FromMinutes(minutes));
        var right = (await TryAsync(0, "a")).ShouldNotBeNull();
        (await TryAsync(4.9, "b")).ShouldNotBeNull();
        for (var wrong = 0; wrong < 3; wrong++) (await TryAsync(5, $"c{wrong}")).ShouldNotBeNull();
        (await TryAsync(5, "d")).ShouldBeNull();
        await tries.GiveBackAsync(right);
        (await TryAsync(5, "e")).ShouldNotBeNull().IsLast.ShouldBeTrue();
        (await TryAsync(9.9, "f")).ShouldBeNull("four of this period and one of the last");
        (await TryAsync(10, "g")).ShouldNotBeNull("all are five minutes old");
    }

    [Fact]
    [Assertion("DV-02")]
    public async Task A_right_code_is_given_back_on_every_count()
    {
        var tries = _server.Service<UserCodeTries>();
        for (var count = 0; count < 3 * UserCodeTries.NetworkLimit; count++)
            await tries.GiveBackAsync((await tries.BeginAsync("subject", "address", _server.Time.Now)).ShouldNotBeNull());
    }

    [Fact]
    [Assertion("DV-02")]
    public void The_chances_are_what_the_decision_record_says()
    {
        var codes = Math.Pow(UserCode.Alphabet.Length, UserCode.Length);
        (UserCodeTries.AccountLimit / codes).ShouldBeLessThan(Math.Pow(2, -32));
        (UserCodeTries.TotalLimit / codes).ShouldBeLessThan(Math.Pow(2, -26.9));
    }

    [Fact]
    public async Task What_cannot_be_a_code_is_no_guess()
    {
        using var person = await NewPersonAsync();
        foreach (var typed in (string[])["", "A", "WDJB-MJH", "WDJB-MJHTT", "WDJB-MJH1", new('B', 41), "AEIO-UYYY", "ВВВВ-ВВВВ", "1 = 1", "%"])
            for (var count = 0; count < 2; count++) await (await person.EnterCodeAsync(typed)).ShouldBeFormAgainAsync(typed);
        (await GuessAsync(person, (await _server.AskAsync(_client)).UserCode)).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Whoever_has_used_up_their_guesses_is_in_the_audit_trail_once()
    {
        using var guesser = await NewPersonAsync();
        for (var count = 0; count < 8; count++) await GuessAsync(guesser);
        var events = await _server.Service<Database>().ListAsync($"select address from audit_event where kind = {"user-codes-locked"}", reader => reader.GetString(0), CancellationToken.None);
        events.ShouldBe(["127.0.0.1"]);
    }

    [Fact]
    public async Task What_has_ended_is_pruned()
    {
        using var person = await NewPersonAsync();
        await GuessAsync(person);
        await _server.AskAsync(_client);
        async Task<int> RowsAsync() => (await _server.Service<Database>().ListAsync($"select id from device_code union all select asker from user_code_try", _ => 1, CancellationToken.None)).Count;
        (await RowsAsync()).ShouldBe(4);
        _server.Time.Advance(TimeSpan.FromMinutes(64));
        await _server.CleanAsync();
        (await RowsAsync()).ShouldBe(1, "a device code stays an hour longer than it lives");
        _server.Time.Advance(TimeSpan.FromMinutes(2));
        await _server.CleanAsync();
        (await RowsAsync()).ShouldBe(0);
    }
}

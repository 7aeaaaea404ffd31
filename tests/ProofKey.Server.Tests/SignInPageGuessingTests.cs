using System.Net;
using System.Text.RegularExpressions;
using ProofKey.Server.Accounts;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Whoever guesses learns neither names nor passwords, and locks nobody out for good.</summary>
public sealed partial class SignInPageGuessingTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    private PasswordSignIn Passwords => _server.Service<PasswordSignIn>();

    private async Task<string> AddAsync(string name)
    {
        await _server.Registry.AddAccountAsync(name, RunningServer.Password, null, isAdmin: false);
        return name;
    }

    /// <summary>Uses up all tries, under one spelling after the other, without the cost of a password.</summary>
    private async Task CountTriesAsync(string[] spellings)
    {
        for (var i = 0; i < PasswordSignIn.MaxTries; i++)
            (await _server.Service<AccountStore>().CountPasswordTryAsync(spellings[i % spellings.Length], PasswordSignIn.TryWindow))!.Tries.ShouldBe(i + 1);
    }

    private async Task<bool> IsInAsync(string name, string password = RunningServer.Password) => (await Passwords.TryAsync(name, password, _ => false, CancellationToken.None))!.Account is not null;

    [Fact]
    [Assertion("UI-09")]
    public async Task A_wrong_password_an_unknown_name_and_a_locked_account_get_the_same_answer()
    {
        var locked = await AddAsync("locked1");
        await CountTriesAsync([locked]);
        using var person = _server.NewPerson();
        var form = await person.SignInFormAsync(shared.Request());
        var answers = new List<string>();
        foreach (var password in (string[])["wrong password", "", new string('p', 257), new string('p', 20_000), "p\u0001\u2028é"])
            foreach (var name in (string[])["alice  ", "nobody ", "locked1", "ALICE  "])
                answers.Add(await AnswerAsync(await person.PostOnceAsync(form, [("username", name), ("password", password)]), name));
        answers.Add(await AnswerAsync(await person.PostOnceAsync(form, [("username", locked), ("password", RunningServer.Password)]), locked));
        answers.Distinct().ShouldHaveSingleItem();
        answers[0].ShouldStartWith("BadRequest");
        answers[0].ShouldContain("user name and password do not match");
    }

    // Status, headers and page, without what is different in each answer: the clock's header and the name that was typed.
    private static async Task<string> AnswerAsync(HttpResponseMessage response, string name)
    {
        var headers = response.Headers.Concat(response.Content.Headers).Where(header => header.Key != "Date").Select(header => $"{header.Key}: {string.Join(", ", header.Value)}");
        var html = await response.Content.ReadAsStringAsync();
        html.ShouldContain($"value=\"{name}\"");
        return $"{response.StatusCode}\n{string.Join('\n', headers.Order())}\n{Ticket().Replace(html.Replace($"value=\"{name}\"", "", StringComparison.Ordinal), "")}";
    }

    [Theory]
    [InlineData("alice")]
    [InlineData("nobody")]
    [Assertion("UI-09")]
    public async Task An_endless_password_is_refused_before_any_name_is_looked_at(string name)
    {
        using var person = _server.NewPerson();
        var form = await person.SignInFormAsync(shared.Request());
        foreach (var length in (int[])[33_000, 1024 * 1024])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, form.Action) { Content = new FormUrlEncodedContent(form.With(("username", name), ("password", new string('p', length)))) };
            request.Headers.ExpectContinue = true;
            var page = await (await person.Http.SendAsync(request, TestContext.Current.CancellationToken)).ShouldBeFormAgainAsync();
            page.QuerySelector("#problem")!.TextContent.ShouldBe("The body is longer than 32 KiB.");
        }
    }

    [Fact]
    [Assertion("UI-10")]
    public async Task Of_fifty_guesses_at_the_same_time_no_more_than_ten_are_looked_at()
    {
        // A server of its own: the network's tries are counted too.
        await using var server = await RunningServer.StartAsync();
        using var person = server.NewPerson();
        var form = await person.SignInFormAsync(new AuthorizeUrl(server, await server.AddClientAsync()));
        var guesses = Enumerable.Range(0, 50).Select(i => person.PostOnceAsync(form, [("username", RunningServer.UserName), ("password", $"guess {i}")]));
        foreach (var response in await Task.WhenAll(guesses)) response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);

        async Task<bool> RightOneIsInAsync() => (await server.Service<PasswordSignIn>().TryAsync(RunningServer.UserName, RunningServer.Password, _ => false, CancellationToken.None))!.Account is not null;
        (await RightOneIsInAsync()).ShouldBeFalse("fifty were counted, so not even the right one is looked at");
        server.Log.Lines.Count(line => line.Contains("wrong password", StringComparison.Ordinal)).ShouldBe(PasswordSignIn.MaxTries);
        server.Log.Lines.Count(line => line.Contains("too many tries", StringComparison.Ordinal)).ShouldBe(50 - PasswordSignIn.MaxTries);

        server.Time.Advance(PasswordSignIn.TryWindow - TimeSpan.FromSeconds(1));
        (await RightOneIsInAsync()).ShouldBeFalse("the window is not over");
        server.Time.Advance(TimeSpan.FromSeconds(2));
        (await RightOneIsInAsync()).ShouldBeTrue("nobody can lock somebody else out for good");
    }

    [Fact]
    [Assertion("UI-10")]
    public async Task Ten_wrong_passwords_are_borne_and_a_right_one_begins_anew()
    {
        var name = await AddAsync("patient");
        for (var i = 0; i < PasswordSignIn.MaxTries - 1; i++) (await IsInAsync(name, "wrong password")).ShouldBeFalse();
        (await IsInAsync(name)).ShouldBeTrue("the tenth try is the right one");
        for (var i = 0; i < PasswordSignIn.MaxTries; i++) (await IsInAsync(name, "wrong password")).ShouldBeFalse();
        (await IsInAsync(name)).ShouldBeFalse("the eleventh try is not looked at");
        (await IsInAsync(await AddAsync("untouched"))).ShouldBeTrue("other accounts are not touched");
    }

    [Fact]
    [Assertion("UI-10")]
    public async Task Other_spellings_of_a_name_count_for_the_same_account()
    {
        await AddAsync("Zoë.Aliased");
        string[] spellings = ["Zoë.Aliased", "ZOË.ALIASED", "zoë.aliased", "  zoë.aliased ", "zOë.aLiased"];
        await CountTriesAsync(spellings);
        foreach (var spelling in spellings[..2]) (await IsInAsync(spelling)).ShouldBeFalse(spelling);
        (await IsInAsync("alice@example.com")).ShouldBeFalse("an e-mail address is no name");
    }

    [Theory]
    [InlineData("\uFFFE")]
    [InlineData("\uFFFF")]
    [InlineData("\uDBFF\uDFFF")]
    [InlineData("a\r\nb\u001b[31m")]
    [InlineData("' or 1=1 --")]
    [InlineData("")]
    [InlineData("a", 257)]
    [InlineData("\uFDFA", 256)]
    [Assertion("UI-10")]
    public async Task A_name_that_nobody_can_have_is_an_unknown_name(string name, int times = 1)
    {
        using var person = _server.NewPerson();
        var response = await person.PostOnceAsync(await person.SignInFormAsync(shared.Request()), [("username", string.Concat(Enumerable.Repeat(name, times))), ("password", "x")]);
        (await response.ShouldBeFormAgainAsync()).QuerySelector("#problem")!.TextContent.ShouldContain("do not match");
    }

    [GeneratedRegex("step=[^\"&]*")]
    private static partial Regex Ticket();
}

using System.Net;
using ProofKey.Server.Accounts;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What an operator does to people, and what it ends.</summary>
public sealed class PeopleRegistryTests(OneServer shared) : IClassFixture<OneServer>
{
    private const string Scope = "openid profile offline_access";

    private readonly RunningServer _server = shared.Server;

    private PeopleRegistry People => _server.Service<PeopleRegistry>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private Task<Account> AddAsync(string name, string password = RunningServer.Password) => _server.Registry.AddAccountAsync(name, password, null, isAdmin: false);

    /// <summary>Everything that somebody can hold who is signed in.</summary>
    private sealed record Held(Person Browser, PageForm ConsentPage, AuthorizeUrl Consented, AuthorizeUrl CodeRequest, string Code, JsonAnswer Tokens)
    {
        public required string AgreedAddress { get; init; }
    }

    private async Task<Held> EverythingAsync(string name)
    {
        var person = await shared.SignedInAsync(name);
        var (first, second, third, fourth) = (shared.Request().Set("scope", Scope), shared.Request().Set("scope", Scope), shared.Request(), shared.Request());
        var tokens = await _server.RedeemAsync(shared.Native, first, (await person.AuthorizeAsync(first))["code"]);
        tokens.Status.ShouldBe(HttpStatusCode.OK);
        var code = (await person.AuthorizeAsync(second))["code"];
        var agreed = (await person.PostOnceAsync(await person.ConsentFormAsync(fourth), [("decision", "allow")])).Headers.Location!.OriginalString;
        return new Held(person, await person.ConsentFormAsync(third), third, second, code, tokens) { AgreedAddress = agreed };
    }

    private async Task ShouldAllBeDeadAsync(Held held, string because)
    {
        (await _server.RedeemAsync(shared.Native, held.CodeRequest, held.Code)).Error.ShouldBe("invalid_grant", because);
        (await _server.RefreshAsync(shared.Native, held.Tokens.Text("refresh_token"))).Error.ShouldBe("invalid_grant", because);
        (await _server.UserinfoAsync(held.Tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.Unauthorized, because);
        foreach (var response in new[]
        {
            await held.Browser.SubmitAsync(held.ConsentPage, ("decision", "allow")),
            await held.Browser.GetAsync(held.AgreedAddress),
            await held.Browser.GetAsync(shared.Request().ToString()),
            await held.Browser.GetAsync(shared.Request().Set("prompt", "select_account").ToString()),
        })
            (await Person.FormOf(response)).Fields.ShouldContainKey("username", because);
        Person.AnswerOf(await held.Browser.GetAsync(shared.Request().Set("prompt", "none").ToString()))["error"].ShouldBe("login_required", because);
    }

    private async Task<bool> CanSignInAsync(Person person, string name, string password)
    {
        var answer = await person.SubmitAsync(await person.SignInFormAsync(shared.Request()), ("username", name), ("password", password));
        return answer.StatusCode == HttpStatusCode.OK;
    }

    private async Task<string[]> EventsAsync(string subject) => [.. (await _server.Registry.ReadAuditTrailAsync(new AuditFilter { Subject = subject }, null, Cancellation))
        .Select(entry => entry.Kind).Where(kind => kind is not ("signed-in" or "consent-given" or "sign-in-failed"))];

    [Fact]
    [Assertion("UI-11")]
    [Assertion("RT-08")]
    public async Task Somebody_who_is_disabled_is_refused_at_every_door_and_what_ended_stays_ended()
    {
        var account = await AddAsync("erin");
        var held = await EverythingAsync("erin");
        using var known = _server.NewPerson();
        (await CanSignInAsync(known, "erin", RunningServer.Password)).ShouldBeTrue();

        await People.DisableAsync(account);
        (await People.FindAsync("ERIN", Cancellation))!.DisabledAt.ShouldBe(_server.Time.Now);
        await ShouldAllBeDeadAsync(held, "disabled");
        using var stranger = _server.NewPerson();
        (await CanSignInAsync(stranger, "erin", RunningServer.Password)).ShouldBeFalse("the right password is none any more");
        known.SetCookie(_server, Sessions.SessionCookie, Secret.NewText());
        (await CanSignInAsync(known, "erin", RunningServer.Password)).ShouldBeFalse("not in a browser that knew the account either");

        await People.EnableAsync(account);
        await ShouldAllBeDeadAsync(held, "enabled again");
        (await CanSignInAsync(stranger, "erin", RunningServer.Password)).ShouldBeTrue();
        (await EventsAsync(account.Subject)).ShouldBe(["user-added", "user-disabled", "user-enabled"], ignoreOrder: true);
        held.Browser.Dispose();
    }

    [Fact]
    public async Task To_enable_somebody_who_is_not_disabled_changes_nothing_and_neither_does_disabling_them_twice()
    {
        var account = await AddAsync("ruth");
        var held = await EverythingAsync("ruth");
        (await People.EnableAsync(account)).ShouldBeFalse();
        (await _server.RefreshAsync(shared.Native, held.Tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK, "nobody was signed out");

        (await People.DisableAsync(account)).ShouldBeTrue();
        var since = (await People.FindAsync("ruth", Cancellation))!.DisabledAt;
        _server.Time.Advance(TimeSpan.FromMinutes(1));
        (await People.DisableAsync(account)).ShouldBeFalse();
        (await People.FindAsync("ruth", Cancellation))!.DisabledAt.ShouldBe(since);
        (await People.EnableAsync(account)).ShouldBeTrue();
        (await EventsAsync(account.Subject)).ShouldBe(["user-added", "user-disabled", "user-enabled"], ignoreOrder: true);
        held.Browser.Dispose();
    }

    [Fact]
    [Assertion("UI-11")]
    [Assertion("UI-10")]
    public async Task An_account_with_too_many_wrong_tries_keeps_its_grants_and_lets_nobody_new_in()
    {
        await AddAsync("frank");
        var held = await EverythingAsync("frank");
        for (var tries = 0; tries <= PasswordSignIn.MaxTries; tries++)
            await _server.Service<PasswordSignIn>().TryAsync("frank", "wrong password", _ => false, Cancellation);
        using var stranger = _server.NewPerson();
        (await CanSignInAsync(stranger, "frank", RunningServer.Password)).ShouldBeFalse();
        (await _server.RefreshAsync(shared.Native, held.Tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK, "a stranger's guesses end nothing of the owner's");
        held.Browser.Dispose();
    }

    [Fact]
    [Assertion("UI-11")]
    [Assertion("RT-08")]
    public async Task A_new_password_ends_everything_that_the_old_one_opened()
    {
        var account = await AddAsync("grace");
        var held = await EverythingAsync("grace");
        await Should.ThrowAsync<FormatException>(() => People.ResetPasswordAsync(account, "password"));
        (await _server.UserinfoAsync(held.Tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.OK, "what was refused changed nothing");

        await People.ResetPasswordAsync(account, "a quite different sentence");
        await ShouldAllBeDeadAsync(held, "reset");
        using var person = _server.NewPerson();
        (await CanSignInAsync(person, "grace", RunningServer.Password)).ShouldBeFalse();
        (await CanSignInAsync(person, "grace", "a quite different sentence")).ShouldBeTrue();
        (await EventsAsync(account.Subject)).ShouldBe(["user-added", "password-reset"], ignoreOrder: true);
        held.Browser.Dispose();
    }

    [Fact]
    [Assertion("RV-04")]
    public async Task Grants_are_listed_with_their_state_and_revoked_one_by_one_or_all_of_a_person()
    {
        var account = await AddAsync("heidi");
        using var person = await shared.SignedInAsync("heidi");
        var tokens = new List<JsonAnswer>();
        foreach (var client in new[] { shared.Native, shared.Native, shared.Web })
        {
            var request = shared.Request(client).Set("scope", Scope);
            tokens.Add(await _server.RedeemAsync(client, request, (await person.AuthorizeAsync(request))["code"]));
        }
        async Task<bool[]> LiveAsync() => [.. await Task.WhenAll(tokens.Select(async one => (await _server.UserinfoAsync(one.Text("access_token"))).Status == HttpStatusCode.OK))];

        var grants = await People.ListGrantsAsync(account.Subject, null, Cancellation);
        grants.Count.ShouldBe(3);
        grants.ShouldAllBe(grant => grant.IsLive && grant.Subject == account.Subject && grant.Scope.ToString() == Scope);
        (await People.ListGrantsAsync(null, shared.Web.Id, Cancellation)).Count(grant => grant.Subject == account.Subject).ShouldBe(1);

        (await People.RevokeGrantAsync(grants.Single(grant => grant.ClientId == shared.Web.Id))).ShouldBeTrue();
        (await LiveAsync()).ShouldBe([true, true, false]);
        (await People.RevokeGrantsAsync(account, shared.Web.Id)).ShouldBe(0);
        (await People.RevokeGrantsAsync(account, null)).ShouldBe(2);
        (await LiveAsync()).ShouldBe([false, false, false]);
        (await _server.RefreshAsync(shared.Native, tokens[0].Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        grants = await People.ListGrantsAsync(account.Subject, null, Cancellation);
        grants.ShouldAllBe(grant => !grant.IsLive && grant.RevokedAt == _server.Time.Now);
        (await EventsAsync(account.Subject)).ShouldBe(["user-added", "grant-revoked", "consent-withdrawn", "grants-revoked"], ignoreOrder: true);
        (await Person.FormOf(await person.GetAsync(shared.Request(shared.Web).Set("scope", Scope).ToString()))).Action.ShouldStartWith("/consent", customMessage: "what was agreed to is forgotten with the grants");
        (await Person.FormOf(await person.GetAsync(shared.Request().ToString()))).Action.ShouldStartWith("/consent", customMessage: "the browser stays signed in");
    }

    [Fact]
    [Assertion("RT-08")]
    public async Task What_a_device_was_allowed_and_has_not_fetched_is_revoked_too()
    {
        var account = await AddAsync("olivia");
        using var person = await shared.SignedInAsync("olivia");
        var device = await _server.AllowedDeviceAsync(await _server.AddDeviceClientAsync(), person: person);
        await People.RevokeGrantsAsync(account, null);
        (await _server.PollAsync(device)).Error.ShouldBe("access_denied");
    }

    [Fact]
    public async Task A_grant_is_found_by_its_id_alone()
    {
        var account = await AddAsync("peggy");
        using var person = await shared.SignedInAsync("peggy");
        var request = shared.Request();
        await _server.RedeemAsync(shared.Native, request, (await person.AuthorizeAsync(request))["code"]);
        var grant = (await People.ListGrantsAsync(account.Subject, null, Cancellation)).ShouldHaveSingleItem();
        (await People.FindGrantAsync(grant.Id, Cancellation)).ShouldNotBeNull().Subject.ShouldBe(account.Subject);
        foreach (var other in (string[])["", "0011", grant.Id[..^1], grant.Id[..^1] + "x", new('0', 32)]) (await People.FindGrantAsync(other, Cancellation)).ShouldBeNull();
    }

    [Theory]
    [InlineData(7, false)]
    [InlineData(8, true)]
    [InlineData(64, true)]
    [InlineData(128, true)]
    [InlineData(256, true)]
    [InlineData(257, false)]
    [Assertion("UI-12")]
    public void A_password_has_8_to_256_characters_of_any_kind(int length, bool isGood)
    {
        foreach (var character in (string[])["x", " ", "é", "密", "7"])
            (PasswordSignIn.ProblemWith(string.Concat(Enumerable.Repeat(character, length - 1)) + "Q", "name") is null).ShouldBe(isGood, $"{length} times {character}");
    }

    [Theory]
    [InlineData("password")]
    [InlineData("PASSWORD")]
    [InlineData("Password1!")]
    [InlineData("12345678")]
    [InlineData("qwertyuiop")]
    [InlineData("iloveyou2024")]
    [InlineData("P@ssw0rd")]
    [InlineData("admin123456")]
    [InlineData("proofkey")]
    [InlineData("Judy The Great")]
    [Assertion("UI-12")]
    public async Task What_everybody_tries_first_is_no_password(string password)
    {
        await Should.ThrowAsync<FormatException>(() => AddAsync("judy the great", password));
        await AddAsync("judy" + Secret.NewText(4), $"my {password} has a tail");
    }

    [Fact]
    [Assertion("UI-12")]
    public async Task Every_character_of_a_password_counts()
    {
        var passwords = _server.Service<PasswordSignIn>();
        async Task<bool> OpensAsync(string name, string password) => (await passwords.TryAsync(name, password, _ => true, Cancellation))?.Account is not null;

        var start = string.Concat(Enumerable.Repeat("twin-", 15));
        await AddAsync("twin", start + "a");
        (await OpensAsync("twin", start + "b")).ShouldBeFalse("they differ behind the 72nd byte");
        (await OpensAsync("twin", start + "a")).ShouldBeTrue();
        await AddAsync("spaces", "  leading and trailing  ");
        (await OpensAsync("spaces", "leading and trailing")).ShouldBeFalse();
        (await OpensAsync("spaces", "  leading and trailing  ")).ShouldBeTrue();
        await AddAsync("unicode", "пароль 密码 🔑🔑");
        (await OpensAsync("unicode", "пароль 密码 🔑🔑")).ShouldBeTrue();

        using var person = _server.NewPerson();
        var page = await (await person.GetAsync(shared.Request().ToString())).PageAsync();
        var field = page.QuerySelector("input[name=password]")!;
        field.HasAttribute("maxlength").ShouldBeFalse();
        field.GetAttribute("autocomplete").ShouldBe("current-password", "a password manager fills it in");
        page.QuerySelectorAll("[onpaste], script").ShouldBeEmpty("pasting is allowed");
    }
}

using System.Net;
using ProofKey.Server.Accounts;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Who signed in here before is not kept out by strangers, and stays signed in elsewhere when asked again.</summary>
public sealed class SignInPageKnownBrowserTests(OneServer shared) : IClassFixture<OneServer>
{
    [Fact]
    [Assertion("UI-10")]
    public async Task A_stranger_who_uses_up_the_tries_does_not_keep_the_owner_out_of_a_browser_that_knows_them()
    {
        await shared.Server.Registry.AddAccountAsync("owner", RunningServer.Password, null, isAdmin: false);
        using var owner = shared.Server.NewPerson();
        (await SignInAsync(owner, RunningServer.Password)).ShouldBeTrue();
        using var stranger = shared.Server.NewPerson();
        for (var guess = 0; guess <= PasswordSignIn.MaxTries; guess++) (await SignInAsync(stranger, "a wrong guess")).ShouldBeFalse();

        (await SignInAsync(stranger, RunningServer.Password)).ShouldBeFalse("the tries of strangers are used up");
        (await SignInAsync(owner, "a slip of the finger")).ShouldBeFalse("knowing the browser is not knowing the password");
        (await SignInAsync(owner, RunningServer.Password)).ShouldBeTrue();
    }

    [Fact]
    public async Task Signing_in_again_for_one_client_leaves_the_grants_of_another_alone()
    {
        using var person = await shared.SignedInAsync(RunningServer.UserName);
        var client = await shared.Server.AddClientAsync();
        var request = new AuthorizeUrl(shared.Server, client).Set("scope", "openid");
        var tokens = await shared.Server.RedeemAsync(client, request, (await person.AuthorizeAsync(request))["code"]);

        (await person.AuthorizeAsync(new AuthorizeUrl(shared.Server, client).Set("prompt", "login"))).ShouldContainKey("code");

        (await shared.Server.RefreshAsync(client, tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("UI-10")]
    public async Task A_browser_that_several_share_stays_known_to_each_of_them()
    {
        foreach (var name in (string[])["first", "second"]) await shared.Server.Registry.AddAccountAsync(name, RunningServer.Password, null, isAdmin: false);
        using var browser = shared.Server.NewPerson();
        foreach (var name in (string[])["first", "second"]) (await SignInAsync(browser, RunningServer.Password, name)).ShouldBeTrue();
        using var stranger = shared.Server.NewPerson();
        foreach (var name in (string[])["first", "second"])
        {
            for (var guess = 0; guess <= PasswordSignIn.MaxTries; guess++) await SignInAsync(stranger, "a wrong guess", name);
            (await SignInAsync(stranger, RunningServer.Password, name)).ShouldBeFalse();
            (await SignInAsync(browser, RunningServer.Password, name)).ShouldBeTrue(name);
        }
    }

    private async Task<bool> SignInAsync(Person person, string password, string name = "owner")
    {
        var page = await person.GetAsync(shared.Request().Set("prompt", "login").ToString());
        var form = await Person.FormOf(page);
        var answer = await person.SubmitAsync(form, ("username", name), ("password", password));
        return answer.StatusCode != HttpStatusCode.BadRequest;
    }
}

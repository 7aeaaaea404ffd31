using System.Net;
using ProofKey.Server.Protocol;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Attacks across devices that were seen elsewhere, each tried as its attacker would.</summary>
public sealed class DeviceAttackTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    /// <summary>The attacker starts the flow on a machine of their own and sends the link to somebody who is signed in (Storm-2372; CVE-2026-33757: no question asked).</summary>
    [Fact]
    [Assertion("DV-06")]
    [Assertion("DV-07")]
    [Assertion("DV-08")]
    public async Task Device_code_phishing_a_link_that_a_victim_only_opens_gives_the_attacker_nothing()
    {
        var attackers = await _server.AskAsync(await _server.AddDeviceClientAsync());
        using var victim = await shared.SignedInAsync();
        var opened = await victim.GetAsync(new Uri(attackers.Answer.Text("verification_uri_complete")).PathAndQuery);
        (await opened.PageAsync()).Body!.TextContent.ShouldContain("A code that someone sent or read to you would let them into your account.");
        var question = await victim.SubmitAsync(await Person.FormOf(opened));
        (await question.PageAsync()).QuerySelector(".caution")!.TextContent.ShouldContain("choose Deny");
        (await _server.PollAsync(attackers)).Error.ShouldBe("authorization_pending");
        (await victim.SubmitAsync(await Person.FormOf(question), ("decision", "deny"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await _server.PollAsync(attackers)).Error.ShouldBe("access_denied");
    }

    /// <summary>The page that asks, shown for whatever code (GitLab merge request 252522), would let a stranger's page look real.</summary>
    [Fact]
    [Assertion("DV-06")]
    public async Task Device_code_phishing_no_question_is_shown_for_a_code_of_nobody()
    {
        using var person = await shared.SignedInAsync();
        foreach (var address in (string[])["/device?user_code=WDJB-MJHT", "/device/decision?user_code=WDJB-MJHT", "/device/decision?step=WDJB-MJHT"])
            (await (await person.GetAsync(address)).PageAsync()).QuerySelectorAll("[name=decision]").ShouldBeEmpty(address);
    }

    /// <summary>Guessing the code of somebody's device, to put the attacker's own account on it.</summary>
    [Fact]
    [Assertion("DV-02")]
    public async Task User_code_brute_force_ends_after_five_guesses()
    {
        await using var server = await RunningServer.StartAsync();
        var victims = await server.AskAsync(await server.AddDeviceClientAsync());
        using var attacker = await server.SignedInAsync();
        var form = await Person.FormOf(await attacker.GetAsync("/device"));
        var answers = new List<HttpStatusCode>();
        for (var guess = 0; guess < 20; guess++) answers.Add((await attacker.PostOnceAsync(form, [("user_code", UserCode.New().ToString())])).StatusCode);
        answers.Count(status => status == HttpStatusCode.BadRequest).ShouldBe(5);
        (await attacker.PostOnceAsync(form, [("user_code", victims.UserCode)])).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests, "not even a lucky guess");
    }

    /// <summary>Race, replay and another client: one device code, many who send it.</summary>
    [Fact]
    [Assertion("DV-05")]
    public async Task Device_code_race_and_replay_one_answer_has_tokens()
    {
        var device = await _server.AllowedDeviceAsync(await _server.AddDeviceClientAsync());
        var other = await _server.AddDeviceClientAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(number => number % 4 == 3 ? _server.PollAsync(device, ("client_id", other.Id)) : _server.PollAsync(device)));
        answers.Count(answer => answer.Status == HttpStatusCode.OK).ShouldBe(1);
        answers.Count(answer => answer.Error == "invalid_grant").ShouldBe(31);
    }

    /// <summary>A QR code is relayed to somebody far away, whose phone opens it: the page has to give the distance away.</summary>
    [Fact]
    [Assertion("DV-07")]
    public async Task Cross_device_consent_phishing_the_page_tells_the_network_that_the_relayed_code_came_from()
    {
        var client = await _server.AddDeviceClientAsync();
        // What the attacker claims about addresses counts for nothing: no proxy is trusted.
        var attackers = await _server.AskFromAsync("127.0.0.7", client, "openid", "Near/1.0");
        using var victim = await shared.SignedInAsync();
        var page = await (await victim.EnterCodeAsync(attackers.UserCode)).PageAsync();
        page.Body!.TextContent.ShouldContain("from the network address 127.0.0.7");
        page.Body.TextContent.ShouldContain("This browser is on another network.");
    }
}

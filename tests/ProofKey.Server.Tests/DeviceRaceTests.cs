using System.Net;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Devices, when much happens at once, at two servers, or before and after a restart.</summary>
public sealed class DeviceRaceTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    [Fact]
    [Assertion("DV-05")]
    public async Task Of_32_polls_at_two_servers_after_a_yes_one_gets_tokens()
    {
        await using var replica = await Replica.StartAsync(_server);
        var client = await _server.AddDeviceClientAsync();
        for (var round = 0; round < 5; round++)
        {
            var device = await _server.AllowedDeviceAsync(client);
            var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(number => number % 2 == 0 ? _server.PollAsync(device) : replica.PostAsync(device.Poll())));
            var winner = answers.Where(answer => answer.Status == HttpStatusCode.OK).ShouldHaveSingleItem();
            answers.Where(answer => answer != winner).ShouldAllBe(answer => answer.Error == "invalid_grant");
            (await _server.UserinfoAsync(winner.Text("access_token"))).Status.ShouldBe(HttpStatusCode.Unauthorized, "two who hold one code are one too many");
        }
    }

    [Fact]
    [Assertion("DV-04")]
    [Assertion("DV-05")]
    public async Task A_device_that_polls_while_the_person_decides_gets_tokens_once_and_never_an_error()
    {
        var client = await _server.AddDeviceClientAsync();
        using var person = await shared.SignedInAsync();
        for (var round = 0; round < 10; round++)
        {
            var device = await _server.AskAsync(client);
            var form = await person.DeviceFormAsync(device);
            var deciding = person.SubmitAsync(form, ("decision", "allow"));
            var poll = await _server.PollAsync(device);
            await deciding;
            if (poll.Error is not null) poll.Error.ShouldBe("authorization_pending");
            else poll.Status.ShouldBe(HttpStatusCode.OK);
            if (poll.Error is not null) (await _server.PollInTimeAsync(device)).Status.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Fact]
    [Assertion("DV-05")]
    public async Task Of_two_people_who_decide_at_once_the_first_one_counts()
    {
        await _server.Registry.AddAccountAsync("rival", RunningServer.Password, null, isAdmin: false);
        using var alice = await shared.SignedInAsync();
        using var rival = await shared.SignedInAsync("rival");
        for (var round = 0; round < 10; round++)
        {
            var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
            var forms = (await alice.DeviceFormAsync(device), await rival.DeviceFormAsync(device));
            var pages = await Task.WhenAll(alice.SubmitAsync(forms.Item1, ("decision", "allow")), rival.SubmitAsync(forms.Item2, ("decision", "allow")));
            var titles = (await Task.WhenAll(pages.Select(page => page.PageAsync()))).Select(page => page.QuerySelector("h1")!.TextContent).ToList();
            titles.Order().ShouldBe(["Device connected", "This code has ended"]);
            var tokens = await _server.PollAsync(device);
            (await _server.UserinfoAsync(tokens.Text("access_token"))).Text("preferred_username").ShouldBe(titles[0] == "Device connected" ? RunningServer.UserName : "rival");
        }
    }

    [Fact]
    [Assertion("DV-02")]
    public async Task Two_servers_are_one_for_devices_and_so_is_one_before_and_after_a_restart()
    {
        var server = await RunningServer.StartAsync();
        try
        {
            var client = await server.AddDeviceClientAsync();
            var device = await server.AskAsync(client);
            server = await server.RestartAsync();
            await using (var replica = await Replica.StartAsync(server))
            {
                (await replica.PostAsync(device.Poll())).Error.ShouldBe("authorization_pending");
                (await server.PollAsync(device)).Error.ShouldBe("slow_down", "the other one's poll was a moment ago");
            }
            using var person = await server.SignedInAsync();
            await person.DecideAsync(device);
            server = await server.RestartAsync();
            (await server.PollInTimeAsync(device)).Status.ShouldBe(HttpStatusCode.OK);
        }
        finally
        {
            await server.DisposeAsync();
        }
    }
}

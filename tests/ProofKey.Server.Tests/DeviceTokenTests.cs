using System.Net;
using System.Text.Json;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What a device gets that polls: an answer that tells it what to do, and tokens once.</summary>
public sealed class DeviceTokenTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    private static JsonElement Claims(string jwt) => JsonDocument.Parse(Base64UrlText.TryDecode(jwt.Split('.')[1], out var json) ? json : []).RootElement;

    [Fact]
    [Assertion("DV-04")]
    [Rfc("RFC 8628", "3.4")]
    [Rfc("RFC 8628", "3.5")]
    public async Task A_device_waits_for_a_person_and_then_acts_in_their_name()
    {
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        (await _server.PollAsync(device)).Error.ShouldBe("authorization_pending");
        using var person = await shared.SignedInAsync();
        var account = await _server.Service<AccountStore>().FindByNameAsync(RunningServer.UserName, CancellationToken.None);
        var signedInAt = _server.Time.Now;
        await person.DecideAsync(device);
        var tokens = await _server.PollInTimeAsync(device);
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        tokens.Response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        tokens.Text("token_type").ShouldBe("Bearer");
        tokens.Text("scope").ShouldBe(DeviceCalls.Scope);

        var idToken = Claims(tokens.Text("id_token"));
        idToken.GetProperty("sub").GetString().ShouldBe(account!.Subject);
        idToken.GetProperty("aud").GetString().ShouldBe(device.Client.Id);
        idToken.GetProperty("auth_time").GetInt64().ShouldBe(signedInAt.ToUnixTimeSeconds(), "the person's sign-in, not the device's poll");
        idToken.GetProperty("amr").EnumerateArray().Select(method => method.GetString()).ShouldBe(["pwd"]);
        idToken.GetProperty("acr").GetString().ShouldBe("urn:proofkey:acr:password");
        idToken.TryGetProperty("nonce", out _).ShouldBeFalse();
        (await _server.UserinfoAsync(tokens.Text("access_token"))).Text("preferred_username").ShouldBe(RunningServer.UserName);
        (await _server.RefreshAsync(device.Client, tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("DV-04")]
    [Rfc("RFC 8628", "3.5")]
    public async Task Whoever_polls_too_fast_waits_five_seconds_longer_from_then_on()
    {
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        async Task ShouldAnswerAsync(double after, string error)
        {
            _server.Time.Advance(TimeSpan.FromSeconds(after));
            (await _server.PollAsync(device)).Error.ShouldBe(error, $"after {after} s");
        }

        await ShouldAnswerAsync(0, "authorization_pending");
        await ShouldAnswerAsync(5, "authorization_pending");
        await ShouldAnswerAsync(4.6, "authorization_pending");
        await ShouldAnswerAsync(4.4, "slow_down");
        await ShouldAnswerAsync(9.4, "slow_down");
        await ShouldAnswerAsync(15, "authorization_pending");
        await ShouldAnswerAsync(14, "slow_down");
        await ShouldAnswerAsync(20, "authorization_pending");
    }

    [Fact]
    [Assertion("DV-04")]
    public async Task Polls_at_the_same_moment_are_counted_each_for_itself()
    {
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _server.PollAsync(device)));
        answers.Count(answer => answer.Error == "authorization_pending").ShouldBe(1);
        answers.Count(answer => answer.Error == "slow_down").ShouldBe(19);
        (await _server.Service<DeviceStore>().FindAsync(Protocol.DeviceCode.Open(device.DeviceCode, _server.Service<Keys.KeyRing>())!.Id, CancellationToken.None))!
            .Interval.ShouldBe(TimeSpan.FromSeconds(5 + (19 * 5)));
    }

    [Fact]
    [Assertion("DV-04")]
    [Rfc("RFC 8628", "3.5")]
    public async Task A_code_ends_and_says_so()
    {
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        var late = await _server.AllowedDeviceAsync(device.Client);
        _server.Time.Advance(TimeSpan.FromMinutes(5));
        foreach (var ended in (AskingDevice[])[device, late])
        {
            var answer = await _server.PollAsync(ended);
            answer.Error.ShouldBe("expired_token");
            answer.Status.ShouldBe(HttpStatusCode.BadRequest);
        }
        _server.Time.Advance(TimeSpan.FromHours(2));
        await _server.CleanAsync();
        (await _server.PollAsync(device)).Error.ShouldBe("expired_token", "also when its row is gone");
    }

    [Fact]
    [Assertion("DV-04")]
    [Rfc("RFC 8628", "3.5")]
    public async Task A_no_is_a_no()
    {
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        using var person = await shared.SignedInAsync();
        (await (await person.DecideAsync(device, "deny")).PageAsync()).QuerySelector("h1")!.TextContent.ShouldBe("Device turned away");
        (await _server.PollAsync(device)).Error.ShouldBe("access_denied");
        (await _server.PollAsync(device)).Error.ShouldBe("access_denied");
        (await person.EnterCodeAsync(device.UserCode)).StatusCode.ShouldBe(HttpStatusCode.BadRequest, "nor can it be turned into a yes");
    }

    [Theory]
    [InlineData("device_code", null, "invalid_request")]
    [InlineData("device_code", "", "invalid_request")]
    [InlineData("device_code", "pkd_", "invalid_grant")]
    [InlineData("device_code", "pkd_AAAA", "invalid_grant")]
    [InlineData("device_code", "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS", "invalid_grant")]
    [InlineData("resource", "https://elsewhere.example/", "invalid_target")]
    [InlineData("grant_type", "device_code", "unsupported_grant_type")]
    public async Task What_is_wrong_with_a_poll_is_said_in_the_words_of_the_protocol(string name, string? value, string error)
    {
        var device = await _server.AllowedDeviceAsync(await _server.AddDeviceClientAsync());
        (await _server.PollAsync(device, (name, value))).Error.ShouldBe(error);
        (await _server.PollAsync(device)).Status.ShouldBe(HttpStatusCode.OK, "a wrong poll costs nothing");
    }

    [Fact]
    [Assertion("DV-05")]
    [Rfc("RFC 8628", "3.4")]
    public async Task Another_client_gets_nothing_for_a_device_code_and_does_no_harm_with_it()
    {
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        var other = await _server.AddDeviceClientAsync();
        for (var count = 0; count < 3; count++) (await _server.PollAsync(device, ("client_id", other.Id))).Error.ShouldBe("invalid_grant", "not even whether it waits");
        (await _server.PollAsync(device)).Error.ShouldBe("authorization_pending", "strangers do not slow it down");
        using var person = await shared.SignedInAsync();
        await person.DecideAsync(device);
        (await _server.PollAsync(device, ("client_id", other.Id))).Error.ShouldBe("invalid_grant");
        var tokens = await _server.PollAsync(device);
        tokens.Status.ShouldBe(HttpStatusCode.OK);
        (await _server.PollAsync(device, ("client_id", other.Id))).Error.ShouldBe("invalid_grant");
        (await _server.UserinfoAsync(tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.OK, "a stranger revokes nothing");
    }

    [Fact]
    [Assertion("DV-05")]
    [Rfc("RFC 6749", "10.5")]
    public async Task A_device_code_is_good_once_and_its_return_ends_what_it_gave()
    {
        var device = await _server.AllowedDeviceAsync(await _server.AddDeviceClientAsync());
        var tokens = await _server.PollAsync(device);
        tokens.Status.ShouldBe(HttpStatusCode.OK);
        (await _server.PollAsync(device)).Error.ShouldBe("invalid_grant");
        (await _server.UserinfoAsync(tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await _server.RefreshAsync(device.Client, tokens.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        _server.Log.Lines.ShouldContain(line => line.StartsWith("Warning") && line.Contains("used device code came back"));
    }

    [Fact]
    [Assertion("DV-05")]
    [Assertion("DV-08")]
    [Rfc("RFC 9449", "5")]
    public async Task Tokens_are_bound_to_the_key_of_the_device_that_sends_a_proof()
    {
        var client = await _server.AddDeviceClientAsync();
        var device = await _server.AllowedDeviceAsync(client, "openid offline_access");
        using var key = new ClientKey(_server);
        (await _server.PostFormAsync("/token", device.Poll(), ClientKey.With("x"))).Error.ShouldBe("invalid_dpop_proof", "a wrong proof costs the device nothing");
        var tokens = await key.PostAsync("/token", device.Poll());
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        tokens.Text("token_type").ShouldBe("DPoP");
        Claims(tokens.Text("access_token")).GetProperty("cnf").GetProperty("jkt").GetString().ShouldBe(key.Thumbprint);
        (await _server.UserinfoAsync(tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await key.UserinfoAsync(tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.OK);
        (await _server.RefreshAsync(client, tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.BadRequest);

        var strict = await _server.AddDeviceClientAsync(registration => registration with { RequiresDpop = true });
        (await _server.PollAsync(await _server.AllowedDeviceAsync(strict))).Error.ShouldBe("invalid_dpop_proof");
    }

    [Theory]
    [Assertion("DV-10")]
    [Assertion("UI-11")]
    [InlineData("disable")]
    [InlineData("sign out everywhere")]
    [InlineData("remove the account")]
    [InlineData("remove the client")]
    [InlineData("end the session")]
    public async Task What_happens_between_the_yes_and_the_poll_counts(string what)
    {
        var client = await _server.AddDeviceClientAsync();
        var name = "p" + Secret.NewText(8);
        var account = await _server.Registry.AddAccountAsync(name, RunningServer.Password, null, isAdmin: false);
        using var person = await _server.SignedInAsync(name);
        var device = await _server.AllowedDeviceAsync(client, person: person);
        await (what switch
        {
            "disable" => _server.Service<AccountStore>().DisableAsync(account.Subject).AsTask(),
            "sign out everywhere" => _server.Service<AccountStore>().RaiseEpochAsync(account.Subject).AsTask(),
            "remove the account" => _server.Registry.RemoveAccountAsync(name, CancellationToken.None),
            "remove the client" => _server.Registry.RemoveClientAsync(client.Id),
            _ => _server.Service<SessionStore>().EndAsync(SessionStore.KeyOf(person.CookieOf(_server, Sessions.SessionCookie)!), _server.Time.Now).AsTask(),
        });
        var answer = await _server.PollAsync(device);
        answer.Error.ShouldBe(what == "remove the client" ? "invalid_client" : "invalid_grant");
        answer.Body.TryGetProperty("access_token", out _).ShouldBeFalse();
    }

    [Fact]
    [Assertion("DV-10")]
    public async Task With_offline_access_a_device_stays_when_the_browser_signs_out()
    {
        var client = await _server.AddDeviceClientAsync();
        using var person = await shared.SignedInAsync();
        var device = await _server.AllowedDeviceAsync(client, "openid offline_access", person);
        await _server.Service<SessionStore>().EndAsync(SessionStore.KeyOf(person.CookieOf(_server, Sessions.SessionCookie)!), _server.Time.Now);
        var tokens = await _server.PollAsync(device);
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        _server.Time.Advance(TimeSpan.FromDays(2));
        (await _server.RefreshAsync(client, tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Tokens_are_for_the_one_API_that_the_device_asked_for()
    {
        var api = "https://api.example/" + Secret.NewText(6);
        await _server.Registry.AddResourceAsync(api, "orders.read", null);
        var client = await _server.AddDeviceClientAsync(registration => registration with { Scope = "openid orders.read" });
        var answer = await _server.PostFormAsync("/device_authorization", [new("client_id", client.Id), new("scope", "orders.read"), new("resource", api)]);
        var device = new AskingDevice(client, answer);
        using var person = await shared.SignedInAsync();
        await person.DecideAsync(device);
        Claims((await _server.PollAsync(device, ("resource", api))).Text("access_token")).GetProperty("aud").GetString().ShouldBe(api);
    }
}

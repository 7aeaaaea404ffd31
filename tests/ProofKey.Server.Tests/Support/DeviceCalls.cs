using System.Net;
using System.Text.Json;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests.Support;

/// <summary>A device that has asked for codes.</summary>
internal sealed record AskingDevice(RegisteredClient Client, JsonAnswer Answer)
{
    public string DeviceCode => Answer.Text("device_code");

    public string UserCode => Answer.Text("user_code");

    /// <summary>The fields of a poll, some of them changed; a value of <see langword="null"/> leaves the field out.</summary>
    public Dictionary<string, string> Poll(params (string Name, string? Value)[] changes)
    {
        var fields = new Dictionary<string, string> { ["grant_type"] = GrantType.DeviceCode, ["client_id"] = Client.Id, ["device_code"] = DeviceCode };
        foreach (var (name, value) in changes)
            if (value is null) fields.Remove(name);
            else fields[name] = value;
        return fields;
    }
}

/// <summary>What a device sends, and what a person does in a browser for it.</summary>
internal static class DeviceCalls
{
    public const string Scope = "openid profile email";

    /// <summary>A client that lives on devices alone.</summary>
    public static async Task<RegisteredClient> AddDeviceClientAsync(this RunningServer server, Func<ClientRegistration, ClientRegistration>? change = null)
    {
        var registration = new ClientRegistration { Name = "Living room", IsPublic = true, RedirectUris = [], UsesDevices = true };
        return (await server.Registry.AddClientAsync(change?.Invoke(registration) ?? registration)).Client;
    }

    public static async Task<AskingDevice> AskAsync(this RunningServer server, RegisteredClient client, string scope = Scope)
    {
        var answer = await server.PostFormAsync("/device_authorization", new Dictionary<string, string> { ["client_id"] = client.Id, ["scope"] = scope });
        answer.Status.ShouldBe(HttpStatusCode.OK, answer.Body.ToString());
        return new AskingDevice(client, answer);
    }

    /// <summary>A device that asks from a loopback address of its own, and says more of itself than is asked.</summary>
    public static async Task<AskingDevice> AskFromAsync(this RunningServer server, string address, RegisteredClient client, string scope, string claim)
    {
        using var http = LoopbackProgram.From(address);
        var fields = new Dictionary<string, string> { ["client_id"] = client.Id, ["scope"] = scope, ["client_name"] = claim, ["device_name"] = claim, ["state"] = claim };
        using var request = new HttpRequestMessage(HttpMethod.Post, server.Issuer + "/device_authorization") { Content = new FormUrlEncodedContent(fields) };
        request.Headers.UserAgent.ParseAdd(claim);
        request.Headers.Add("X-Forwarded-For", "127.0.0.1");
        using var response = await http.SendAsync(request);
        return new AskingDevice(client, new JsonAnswer(response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.Clone(), response));
    }

    public static Task<JsonAnswer> PollAsync(this RunningServer server, AskingDevice device, params (string Name, string? Value)[] changes) => server.PostFormAsync("/token", device.Poll(changes));

    /// <summary>Polls at the pace that the server asked for.</summary>
    public static Task<JsonAnswer> PollInTimeAsync(this RunningServer server, AskingDevice device)
    {
        server.Time.Advance(TimeSpan.FromSeconds(device.Answer.Body.GetProperty("interval").GetInt32()));
        return server.PollAsync(device);
    }

    /// <summary>Enters a code, and follows to the page that comes of it.</summary>
    public static async Task<HttpResponseMessage> EnterCodeAsync(this Person person, string code) =>
        await person.SubmitAsync(await Person.FormOf(await person.GetAsync("/device")), ("user_code", code));

    /// <summary>Goes to the page that asks whether a device may come in.</summary>
    public static async Task<PageForm> DeviceFormAsync(this Person person, AskingDevice device)
    {
        var form = await Person.FormOf(await person.EnterCodeAsync(device.UserCode));
        form.Action.ShouldStartWith("/device/decision?");
        return form;
    }

    /// <summary>Lets a device in, or turns it away.</summary>
    public static async Task<HttpResponseMessage> DecideAsync(this Person person, AskingDevice device, string decision = "allow") =>
        await person.SubmitAsync(await person.DeviceFormAsync(device), ("decision", decision));

    /// <summary>A device that someone has let in.</summary>
    public static async Task<AskingDevice> AllowedDeviceAsync(this RunningServer server, RegisteredClient client, string scope = Scope, Person? person = null)
    {
        var device = await server.AskAsync(client, scope);
        using var somebody = person is null ? await server.SignedInAsync() : null;
        var page = await (await (person ?? somebody!).DecideAsync(device)).PageAsync();
        page.QuerySelector("h1")!.TextContent.ShouldBe("Device connected");
        return device;
    }
}

using System.Text.Json;

namespace EndToEnd;

/// <summary>A device without a browser signs in: the device speaks HTTP, the person uses Chromium.</summary>
public sealed class DeviceTests(RunningServer server, Chromium chromium) : IDisposable
{
    private const string GrantType = "urn:ietf:params:oauth:grant-type:device_code";

    private readonly HttpClient _device = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _device.Dispose();

    [Fact]
    public async Task A_person_opens_the_complete_address_signs_in_and_lets_the_device_in()
    {
        var client = await AddClientAsync();
        var codes = await PostAsync("device_authorization", ("client_id", client), ("scope", "openid profile offline_access"));
        (await PollAsync(client, codes)).GetProperty("error").GetString().ShouldBe("authorization_pending");

        await using var observed = await chromium.NewPageAsync();
        await observed.Page.GotoAsync(codes.GetProperty("verification_uri_complete").GetString()!);
        await observed.SignInAsync();
        (await observed.Page.InputValueAsync("#user_code")).ShouldBe(codes.GetProperty("user_code").GetString());
        await observed.PressAsync("Continue");
        await observed.DecideAsync("allow");
        (await observed.Page.Locator("h1").InnerTextAsync()).ShouldBe("Device connected");
        await observed.Page.ReloadAsync();
        (await observed.Page.Locator("h1").InnerTextAsync()).ShouldBe("Device connected", "a reload decides nothing and asks nothing");
        observed.Complaints.ShouldBeEmpty();

        var tokens = await PollAsync(client, codes);
        tokens.TryGetProperty("access_token", out var accessToken).ShouldBeTrue(tokens.ToString());
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{server.Issuer}/userinfo") { Headers = { Authorization = new("Bearer", accessToken.GetString()) } };
        using var answer = await _device.SendAsync(request, Cancellation);
        (await answer.Content.ReadAsStringAsync(Cancellation)).ShouldContain("\"alice\"");
    }

    [Fact]
    public async Task A_person_types_the_code_by_keyboard_and_turns_the_device_away()
    {
        var client = await AddClientAsync();
        var codes = await PostAsync("device_authorization", ("client_id", client));
        await using var observed = await chromium.NewPageAsync(new() { JavaScriptEnabled = false });
        await observed.Page.GotoAsync(codes.GetProperty("verification_uri").GetString()!);
        await observed.SignInAsync();
        await observed.Page.Locator("#user_code").FocusAsync();
        await observed.Page.Keyboard.TypeAsync(codes.GetProperty("user_code").GetString()!.ToLowerInvariant().Replace('-', ' '));
        await observed.Page.Keyboard.PressAsync("Enter");
        await observed.Page.Locator("button[value=deny]").FocusAsync();
        await observed.Page.Keyboard.PressAsync("Enter");
        await observed.Page.GetByText("Device turned away").First.WaitForAsync();
        (await PollAsync(client, codes)).GetProperty("error").GetString().ShouldBe("access_denied");
        observed.Complaints.ShouldBeEmpty();
    }

    private Task<string> AddClientAsync() => server.AddClientAsync("Living room television", Cancellation, "--device");

    private Task<JsonElement> PollAsync(string client, JsonElement codes) =>
        PostAsync("token", ("grant_type", GrantType), ("client_id", client), ("device_code", codes.GetProperty("device_code").GetString()!));

    private async Task<JsonElement> PostAsync(string path, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        using var response = await _device.PostAsync(new Uri($"{server.Issuer}/{path}"), form, Cancellation);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation)).RootElement;
    }
}

using System.Net;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What a device gets that asks for codes, and who gets none.</summary>
public sealed class DeviceAuthorizationTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    private Task<JsonAnswer> PostAsync(params (string Name, string Value)[] fields) =>
        _server.PostFormAsync("/device_authorization", fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    [Fact]
    [Assertion("DV-01")]
    [Rfc("RFC 8628", "3.1")]
    [Rfc("RFC 8628", "3.2")]
    public async Task A_public_client_gets_its_codes_by_its_id_alone()
    {
        var client = await _server.AddDeviceClientAsync();
        var answer = await PostAsync(("client_id", client.Id), ("scope", "openid"), ("unknown", "is ignored"));
        answer.Status.ShouldBe(HttpStatusCode.OK);
        answer.Response.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        answer.Response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        answer.Text("verification_uri").ShouldBe($"{_server.Issuer}/device");
        answer.Text("verification_uri_complete").ShouldBe($"{_server.Issuer}/device?user_code={answer.Text("user_code")}");
        answer.Body.GetProperty("expires_in").GetInt32().ShouldBe(300);
        answer.Body.GetProperty("interval").GetInt32().ShouldBe(5);
        answer.Text("user_code").ShouldMatch($"^[{UserCode.Alphabet}]{{4}}-[{UserCode.Alphabet}]{{4}}$");
        (await PostAsync(("client_id", client.Id))).Status.ShouldBe(HttpStatusCode.OK, "scope may be left out");
    }

    [Theory]
    [Assertion("DV-01")]
    [Rfc("RFC 8628", "3.1")]
    [InlineData("invalid_request")]
    [InlineData("invalid_request", "client_id", "CLIENT", "client_id", "CLIENT")]
    [InlineData("invalid_request", "client_id", "CLIENT", "scope", "openid", "scope", "openid")]
    [InlineData("invalid_client", "client_id", "nobody")]
    [InlineData("invalid_client", "client_id", "CLIENT", "client_secret", "secret")]
    [InlineData("invalid_scope", "client_id", "CLIENT", "scope", "openid admin")]
    [InlineData("invalid_scope", "client_id", "CLIENT", "scope", "\"")]
    [InlineData("invalid_target", "client_id", "CLIENT", "resource", "https://elsewhere.example/")]
    [InlineData("unauthorized_client", "client_id", "OTHER", "scope", "openid")]
    public async Task What_is_wrong_is_said_in_the_words_of_the_protocol(string error, params string[] fields)
    {
        var client = await _server.AddDeviceClientAsync();
        var answer = await PostAsync([.. fields.Chunk(2).Select(pair => (pair[0], pair[1].Replace("CLIENT", client.Id, StringComparison.Ordinal).Replace("OTHER", shared.Web.Id, StringComparison.Ordinal)))]);
        answer.Error.ShouldBe(error, answer.Body.ToString());
        answer.Status.ShouldBe(error == "invalid_client" ? HttpStatusCode.Unauthorized : HttpStatusCode.BadRequest);
        answer.Response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        answer.Text("error_description").ShouldNotBeNullOrEmpty();
    }

    [Theory]
    [Assertion("DV-01")]
    [InlineData("GET")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task Only_POST_is_allowed(string method)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), _server.Issuer + "/device_authorization");
        var answer = await TokenCalls.SendAsync(request);
        answer.Status.ShouldBe(HttpStatusCode.MethodNotAllowed);
        answer.Response.Content.Headers.Allow.ShouldContain("POST");
    }

    [Fact]
    [Assertion("DV-01")]
    public async Task A_confidential_client_proves_itself()
    {
        var added = await _server.Registry.AddClientAsync(new ClientRegistration { Name = "Kiosk", IsPublic = false, RedirectUris = [], UsesDevices = true });
        (await PostAsync(("client_id", added.Client.Id))).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await PostAsync(("client_id", added.Client.Id), ("client_secret", "wrong"))).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await PostAsync(("client_id", added.Client.Id), ("client_secret", added.Secret!))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("DV-03")]
    [Rfc("RFC 8628", "5.2")]
    public async Task Device_codes_are_long_random_and_known_to_the_database_by_digest_alone()
    {
        var client = await _server.AddDeviceClientAsync();
        var devices = new List<AskingDevice>();
        for (var count = 0; count < 50; count++) devices.Add(await _server.AskAsync(client));
        devices.Select(device => device.DeviceCode).ShouldBeUnique();
        devices.ShouldAllBe(device => device.DeviceCode.StartsWith("pkd_", StringComparison.Ordinal));
        var opened = devices.ConvertAll(device => DeviceCode.Open(device.DeviceCode, _server.Service<Keys.KeyRing>())!);
        opened.ShouldAllBe(code => code.RowSecret.Length == 16);
        opened.Select(code => Convert.ToHexString(code.RowSecret)).ShouldBeUnique();
        foreach (var file in Directory.GetFiles(_server.Folder, "proofkey.db*"))
        {
            var bytes = Convert.ToHexString(await ReadSharedAsync(file));
            foreach (var code in opened) bytes.ShouldNotContain(Convert.ToHexString(code.RowSecret));
            foreach (var device in devices) bytes.ShouldNotContain(Convert.ToHexString(Secret.Digest(device.UserCode)[..16]), customMessage: "a plain digest of eight letters is found by trying");
        }
        _server.Log.Lines.ShouldAllBe(line => !devices.Any(device => line.Contains(device.UserCode) || line.Contains(device.DeviceCode)));
    }

    [Fact]
    [Assertion("DV-08")]
    [Rfc("RFC 8628", "5.4")]
    public async Task Devices_are_off_unless_a_client_is_registered_for_them()
    {
        var client = await _server.AddClientAsync();
        client.GrantTypes.ShouldNotContain(GrantType.DeviceCode);
        (await PostAsync(("client_id", client.Id))).Error.ShouldBe("unauthorized_client");
        var device = await _server.AskAsync(await _server.AddDeviceClientAsync());
        (await _server.PollAsync(device, ("client_id", client.Id))).Error.ShouldBe("unauthorized_client");
        // The other way round: a client of devices alone cannot use a browser's way in.
        using var person = await shared.SignedInAsync();
        await (await person.GetOnceAsync($"/authorize?client_id={device.Client.Id}&response_type=code")).ShouldBeErrorPageAsync();
    }

    [Fact]
    [Assertion("DV-08")]
    public void A_code_lives_for_minutes()
    {
        new ServerOptions().DeviceCodeLifetime.ShouldBe(TimeSpan.FromMinutes(5));
        foreach (var wrong in (TimeSpan[])[TimeSpan.FromMinutes(10.1), TimeSpan.FromSeconds(59)])
            Should.Throw<ArgumentException>(() => new ServerOptions { DeviceCodeLifetime = wrong }.Validate()).Message.ShouldContain("DeviceCodeLifetime");
    }

    [Fact]
    [Rfc("RFC 8628", "4")]
    public async Task The_metadata_name_the_endpoint_and_the_grant()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _server.Issuer + "/.well-known/oauth-authorization-server");
        var document = await TokenCalls.SendAsync(request);
        document.Text("device_authorization_endpoint").ShouldBe($"{_server.Issuer}/device_authorization");
        document.Body.GetProperty("grant_types_supported").EnumerateArray().Select(type => type.GetString()).ShouldContain(GrantType.DeviceCode);
    }

    [Fact]
    public void A_client_without_an_address_is_one_for_devices() =>
        Should.Throw<FormatException>(() => RegistrationRules.Check(new ClientRegistration { Name = "Nowhere", IsPublic = true, RedirectUris = [] })).Message.ShouldContain("redirect URI");

    private static async Task<byte[]> ReadSharedAsync(string file)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy);
        return copy.ToArray();
    }
}

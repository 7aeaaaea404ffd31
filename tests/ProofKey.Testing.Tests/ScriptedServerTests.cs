using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace ProofKey.Testing.Tests;

/// <summary>What the server hears, checks and refuses: a program under test that does it wrong is found out.</summary>
public sealed class ScriptedServerTests
{
    private const string DeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> FaultsOfTokens => [.. Fault.All.Where(fault => fault.Code is "server_status" or "not_json" or "no_connection" or "timeout" or "redirect" or "too_large" or "malformed_json").Select(fault => fault.Name)];

    [Theory, MemberData(nameof(FaultsOfTokens))]
    [Assertion("CL-13")]
    public async Task It_hears_the_verifier_and_the_code_also_where_a_fault_answers(string name)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Break(Fault.All.Single(fault => fault.Name == name));
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var impatient = new CancellationTokenSource(TimeSpan.FromSeconds(2), TimeProvider.System);
        using var form = new FormUrlEncodedContent([new("grant_type", "authorization_code"), new("code", "the code of it"), new("code_verifier", "the verifier of it"), new("redirect_uri", "http://127.0.0.1/")]);

        try
        {
            using var answer = await http.PostAsync(server.At("/token"), form, impatient.Token);
        }
        catch (Exception away) when (away is HttpRequestException or OperationCanceledException)
        {
            // As the fault wants it.
        }

        server.Secrets.ShouldContain("the code of it");
        server.Secrets.ShouldContain("the verifier of it");
    }

    [Fact]
    [Assertion("CL-13")]
    public async Task It_hears_state_and_nonce_of_a_pushed_request_and_of_one_that_something_else_answers()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.TakesPushed = true;
        server.Instead["/authorize"] = context => context.Response.WriteAsync("away");
        using var http = new HttpClient();

        using (await PostAsync(http, server, "/par", ("state", "a pushed state"), ("nonce", "a pushed nonce")))
            server.Secrets.ShouldContain("a pushed nonce");
        await http.GetStringAsync(server.At("/authorize?state=a+state+in+an+address&nonce=short"), Cancel);

        server.Secrets.ShouldContain("a pushed state");
        server.Secrets.ShouldContain("a state in an address");
        server.Secrets.ShouldNotContain("short", "it would be found everywhere");
    }

    [Fact]
    public async Task Who_answers_in_its_place_can_read_the_form_again()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead["/token"] = async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            await context.Response.WriteAsync(await reader.ReadToEndAsync(Cancel), Cancel);
        };
        using var http = new HttpClient();
        using var answer = await PostAsync(http, server, "/token", ("code", "abcdefgh"));

        (await answer.Content.ReadAsStringAsync(Cancel)).ShouldBe("code=abcdefgh");
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task A_device_is_known_by_its_code_is_let_in_once_and_can_renew()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var http = new HttpClient();
        using var begun = await PostAsync(http, server, "/device_authorization", ("scope", "openid email"));
        var code = await MemberAsync(begun, "device_code");
        server.Secrets.ShouldContain("WDJB-MJHT");
        using (var unknown = await PostAsync(http, server, "/token", ("grant_type", DeviceGrant), ("device_code", "another code"))) (await MemberAsync(unknown, "error")).ShouldBe("invalid_grant");

        using var tokens = await PostAsync(http, server, "/token", ("grant_type", DeviceGrant), ("device_code", code));
        (await MemberAsync(tokens, "scope")).ShouldBe("openid email");
        using (var twice = await PostAsync(http, server, "/token", ("grant_type", DeviceGrant), ("device_code", code))) (await MemberAsync(twice, "error")).ShouldBe("invalid_grant");

        using var renewed = await PostAsync(http, server, "/token", ("grant_type", "refresh_token"), ("refresh_token", await MemberAsync(tokens, "refresh_token")));
        renewed.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("password")]
    [InlineData("authorisation_code")]
    public async Task A_grant_type_that_it_does_not_know_gets_no_tokens(string type)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var http = new HttpClient();
        using var answer = await PostAsync(http, server, "/token", ("grant_type", type));

        (await MemberAsync(answer, "error")).ShouldBe("unsupported_grant_type");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_access_token_that_was_never_given_has_ended_or_was_taken_back_is_refused(bool binds)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Binds = binds;
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        var session = await client.GetSessionAsync(Cancel);
        var token = await session.GetAccessTokenAsync(cancel: Cancel);
        using var http = new HttpClient();
        async Task<HttpStatusCode> AskAsync(string value)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, server.At("/userinfo")) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", value) } };
            using var answer = await http.SendAsync(request, Cancel);
            return answer.StatusCode;
        }
        (await AskAsync("another token")).ShouldBe(HttpStatusCode.Unauthorized);
        (await AskAsync(token.Reveal())).ShouldBe(binds ? HttpStatusCode.Unauthorized : HttpStatusCode.OK, "a bound token is no bearer token");

        server.Time.Shift = TimeSpan.FromMinutes(11);
        (await AskAsync(token.Reveal())).ShouldBe(HttpStatusCode.Unauthorized);
        server.Time.Shift = TimeSpan.Zero;
        await session.SignOutAsync(Cancel);

        (await AskAsync(token.Reveal())).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task An_answer_is_lost_also_where_something_else_gives_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        var answered = 0;
        server.Instead["/jwks"] = context => context.Response.WriteAsync($"{++answered}");
        server.LoseAnswers("/jwks");
        using var http = new HttpClient();

        await Should.ThrowAsync<HttpRequestException>(() => http.GetStringAsync(server.At("/jwks"), Cancel));
        answered.ShouldBe(1);
        (await http.GetStringAsync(server.At("/jwks"), Cancel)).ShouldBe("2");
    }

    [Fact]
    public async Task Nothing_of_the_folder_and_the_machine_that_the_tests_run_on_changes_it()
    {
        // As a test project has it that tests an app of ASP.NET Core: it is in the folder with the tests.
        var settings = Path.Combine(Directory.GetCurrentDirectory(), "appsettings.json");
        await File.WriteAllTextAsync(settings, """{"AllowedHosts":"app.example.com","Kestrel":{"Endpoints":{"App":{"Url":"http://127.0.0.1:0"}}}}""", Cancel);
        try
        {
            await using var server = await ScriptedServer.StartAsync();
            using var http = new HttpClient();
            (await http.GetStringAsync(server.At("/jwks"), Cancel)).ShouldContain("\"keys\"");
        }
        finally
        {
            File.Delete(settings);
        }
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient http, ScriptedServer server, string path, params (string Name, string Value)[] form)
    {
        using var content = new FormUrlEncodedContent(form.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)));
        return await http.PostAsync(server.At(path), content, Cancel);
    }

    private static async Task<string> MemberAsync(HttpResponseMessage answer, string name)
    {
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancel));
        return json.RootElement.GetProperty(name).GetString()!;
    }
}

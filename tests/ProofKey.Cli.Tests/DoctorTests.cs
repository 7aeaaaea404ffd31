using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using ProofKey.Cli.Commands;
using ProofKey.Cli.Hosting;

namespace ProofKey.Cli.Tests;

/// <summary><c>doctor --server</c> against a server behind a proxy that loses one thing at a time.</summary>
public sealed class DoctorTests : IAsyncLifetime
{
    private readonly Cli _cli = new();

    private TestServer _server = null!;

    private LossyProxy _proxy = null!;

    public async ValueTask InitializeAsync()
    {
        var port = TestServer.FreePort();
        _server = await TestServer.StartAsync(_cli, "--issuer", $"http://127.0.0.1:{port}");
        _proxy = await LossyProxy.StartAsync(port, _server.Issuer);
    }

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    private async Task<Dictionary<string, (string State, string Text)>> FindingsAsync(string issuer, int exitCode)
    {
        var outcome = await _cli.RunAsync("doctor", "--server", issuer, "--json");
        outcome.ExitCode.ShouldBe(exitCode, outcome.ToString());
        using var json = JsonDocument.Parse(outcome.Output);
        return json.RootElement.EnumerateArray().ToDictionary(
            finding => finding.GetProperty("name").GetString()!, finding => (finding.GetProperty("state").GetString()!, finding.GetProperty("text").GetString()!));
    }

    [Fact]
    public async Task A_proxy_that_loses_nothing_gets_a_tick_for_each_check()
    {
        var findings = await FindingsAsync(_proxy.Address, exitCode: 0);
        findings.Where(finding => finding.Key != "runtime").ShouldAllBe(finding => finding.Value.State == "good");
        findings.Keys.ShouldBe(["runtime", "metadata", "well-known", "endpoints", "keys", "hsts", "pages", "cookies", "cors", "errors", "long bodies", "long addresses", "authorization"]);
        (await _cli.OutputOfAsync("doctor", "--server", _proxy.Address)).ShouldContain("✓ cookies");
    }

    [Theory]
    [InlineData("set-cookie", "cookies", "Set-Cookie is lost")]
    [InlineData("cookie flags", "cookies", "no httponly")]
    [InlineData("cookie path", "cookies", "no path=/")]
    [InlineData("location", "cookies", "internal.example")]
    [InlineData("csp", "pages", "Content-Security-Policy")]
    [InlineData("error pages", "pages", "200")]
    [InlineData("error bodies", "errors", "text/html")]
    [InlineData("cache-control", "keys", "Cache-Control")]
    [InlineData("cors", "cors", "Access-Control-Allow-Origin")]
    [InlineData("preflight", "cors", "405")]
    [InlineData("body", "long bodies", "413")]
    [InlineData("query", "long addresses", "414")]
    [InlineData("authorization", "authorization", "Authorization is lost")]
    [InlineData("challenge", "authorization", "WWW-Authenticate is lost")]
    [InlineData("well-known", "well-known", "404")]
    [InlineData("host", "metadata", "The host is lost")]
    [InlineData("rewritten", "metadata", "the host differs")]
    [InlineData("down", "metadata", "502")]
    [InlineData("issuer", "metadata", "Something else")]
    [InlineData("object", "metadata", "Something else")]
    [InlineData("endpoint texts", "endpoints", "Something else")]
    [InlineData("keys", "keys", "Something else")]
    public async Task What_is_lost_on_the_way_is_named(string loss, string check, string text)
    {
        _proxy.Loses = loss;
        var findings = await FindingsAsync(_proxy.Address, exitCode: 1);
        findings[check].State.ShouldBe("bad");
        findings[check].Text.ShouldContain(text);
        findings.Count(finding => finding.Value.State == "bad").ShouldBeLessThanOrEqualTo(2, string.Join('\n', findings));
        var printed = await _cli.RunAsync("doctor", "--server", _proxy.Address);
        printed.ExitCode.ShouldBe(1);
        printed.Output.ShouldContain($"✗ {check}");
    }

    [Fact]
    public async Task Nobody_at_home_is_one_finding_and_no_stack_trace()
    {
        var findings = await FindingsAsync($"http://127.0.0.1:{TestServer.FreePort()}", exitCode: 1);
        findings["metadata"].ShouldBe(("bad", "Nobody answers (ConnectionError)."));
        (await _cli.RunAsync("doctor", "--server", "login.example.com")).ExitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Control_C_is_not_a_server_that_does_not_answer()
    {
        _proxy.Loses = "time";
        await using var looking = _cli.Start("doctor", "--server", _proxy.Address);
        await _proxy.Asked.WaitAsync(TestContext.Current.CancellationToken);
        looking.PressControlC();
        var outcome = await looking.EndAsync();
        outcome.ExitCode.ShouldBe(9, outcome.ToString());
        outcome.Output.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("bad", "127.0.0.1"), InlineData("bad", "127.0.0.1 ::1"), InlineData("bad", "172.17.0.1"), InlineData("bad", "::ffff:10.0.0.7"), InlineData("bad", "fd00::7")]
    [InlineData("good", "203.0.113.9"), InlineData("good", "172.32.0.1"), InlineData("good", "172.17.0.1 172.17.0.2"), InlineData("good", "")]
    public void Everyone_from_one_address_that_is_not_public_is_an_untrusted_proxy(string state, string addresses)
    {
        var all = addresses.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var finding = DoctorVerb.Addresses(Issuer.Parse("https://login.example.com"), all);
        finding.State.ShouldBe(state);
        if (state == "bad") finding.Remedy!.ShouldContain($"--trusted-proxy {all[0]}");
        DoctorVerb.Addresses(Issuer.Parse("http://127.0.0.1:8080"), all).State.ShouldBe("good", "without a proxy everyone is here");
    }

    [Fact]
    public async Task The_newest_sign_ins_say_where_people_come_from()
    {
        (await _cli.RunWithAsync("correct horse battery\n", "user", "add", "alice", "--password-stdin", "--data", _cli.PathOf("busy"))).ExitCode.ShouldBe(0);
        await using (var database = DataFolder.Open(_cli.PathOf("busy")).CreateDataSource())
        await using (var insert = database.CreateCommand(
            """
            with recursive n(i) as (select 1 union all select i + 1 from n where i < 1100)
            insert into audit_event (id, at, kind, address, count)
            select randomblob(16), (unixepoch() - 3600) * 1000 + i, 'signed-in', case when i <= 600 then '203.0.113.' || (i % 200) else '172.17.0.1' end, 1 from n
            """)) await insert.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        var outcome = await _cli.RunAsync("doctor", "--server", "https://login.invalid", "--data", _cli.PathOf("busy"));
        outcome.Output.ShouldContain("✗ addresses");
        outcome.Output.ShouldContain("--trusted-proxy 172.17.0.1");
    }

    [Theory]
    [InlineData("10.0.12", "warning"), InlineData("10.0.14", "good"), InlineData("10.1.0", "good"), InlineData("11.0.0", "good")]
    public void A_runtime_with_known_holes_is_a_warning(string version, string state) => DoctorVerb.Runtime(Version.Parse(version)).State.ShouldBe(state);

    /// <summary>A small reverse proxy that loses what it is told to.</summary>
    private sealed class LossyProxy : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        private readonly string _backend;
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        private LossyProxy(WebApplication app, string backend, string address) => (_app, _backend, Address) = (app, backend, address);

        public string Address { get; }

        public string Loses { get; set; } = "";

        /// <summary>Somebody has asked.</summary>
        public Task Asked => _asked.Task;

        public static async Task<LossyProxy> StartAsync(int port, string backend)
        {
            var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false"]);
            builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
            builder.Logging.ClearProviders();
            var app = builder.Build();
            var proxy = new LossyProxy(app, backend, $"http://127.0.0.1:{port}");
            app.Run(proxy.PassOnAsync);
            await app.StartAsync(TestContext.Current.CancellationToken);
            return proxy;
        }

        public async ValueTask DisposeAsync()
        {
            await _app.DisposeAsync();
            _http.Dispose();
        }

        private async Task PassOnAsync(HttpContext context)
        {
            var (request, path) = (context.Request, context.Request.Path.Value!);
            _asked.TrySetResult();
            if (Loses == "time")
            {
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            }
            var refusal = (Loses, path) switch
            {
                ("down", _) => 502,
                ("body", _) when request.ContentLength > 8000 => 413,
                ("query", _) when request.QueryString.Value!.Length > 4000 => 414,
                ("preflight", _) when request.Method == "OPTIONS" => 405,
                ("well-known", "/.well-known/oauth-authorization-server") => 404,
                _ => 0,
            };
            if (refusal == 0 && Loses == "host") context.Response.Headers.Location = $"http://internal.example{path}";
            if (refusal == 0 && Loses == "host") refusal = 301;
            if (refusal != 0)
            {
                context.Response.StatusCode = refusal;
                return;
            }
            using var onward = new HttpRequestMessage(new HttpMethod(request.Method), _backend + path + request.QueryString);
            if (request.ContentLength > 0) onward.Content = new StreamContent(request.Body);
            foreach (var (name, values) in request.Headers)
            {
                if (name is "Host" || (name is "Authorization" && Loses == "authorization")) continue;
                if (!onward.Headers.TryAddWithoutValidation(name, values.AsEnumerable())) onward.Content?.Headers.TryAddWithoutValidation(name, values.AsEnumerable());
            }
            using var answer = await _http.SendAsync(onward, context.RequestAborted);
            await AnswerAsync(context, answer);
        }

        private async Task AnswerAsync(HttpContext context, HttpResponseMessage answer)
        {
            var headers = context.Response.Headers;
            foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers)) headers[name] = values.ToArray();
            foreach (var name in (string[])["Transfer-Encoding", "Content-Length"]) headers.Remove(name);
            var body = await answer.Content.ReadAsByteArrayAsync(context.RequestAborted);
            context.Response.StatusCode = (int)answer.StatusCode;
            string? lost = Loses switch { "set-cookie" => "Set-Cookie", "csp" => "Content-Security-Policy", "cache-control" => "Cache-Control", "cors" => "Access-Control-Allow-Origin", "challenge" => "WWW-Authenticate", _ => null };
            if (lost is not null) headers.Remove(lost);
            if (Loses == "cookie flags") headers.SetCookie = headers.SetCookie.Select(cookie => cookie!.Replace("; HttpOnly", "", StringComparison.Ordinal)).ToArray();
            if (Loses == "cookie path") headers.SetCookie = headers.SetCookie.Select(cookie => cookie!.Replace("Path=/", "Path=/app", StringComparison.Ordinal)).ToArray();
            if (Loses == "location" && headers.Location.Count > 0) headers.Location = $"http://internal.example{headers.Location}";
            if (Loses == "error pages" && context.Request.Method == "GET" && context.Response.StatusCode == 400) context.Response.StatusCode = 200;
            if (Loses == "error bodies" && context.Request.Method == "POST") (headers.ContentType, body) = ("text/html", "<h1>Bad request</h1>"u8.ToArray());
            if (Loses == "rewritten") body = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body).Replace(Address, "http://localhost:8080", StringComparison.Ordinal));
            var said = Encoding.UTF8.GetString(body);
            var path = context.Request.Path.Value;
            if (path == "/.well-known/openid-configuration") body = Loses switch { "issuer" => "{}"u8.ToArray(), "object" => "[]"u8.ToArray(), "endpoint texts" => Encoding.UTF8.GetBytes(said.Replace($"\"{Address}/token\"", "7", StringComparison.Ordinal)), _ => body };
            if (path == "/jwks" && Loses == "keys") body = "{}"u8.ToArray();
            if (body.Length > 0) await context.Response.Body.WriteAsync(body, context.RequestAborted);
        }
    }
}

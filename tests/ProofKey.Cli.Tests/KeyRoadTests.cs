using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace ProofKey.Cli.Tests;

/// <summary>A key of <c>login</c> that leads nowhere at this moment: the road that it was pressed on is taken again.</summary>
public sealed class KeyRoadTests : IAsyncLifetime
{
    private readonly Cli _cli = new();
    private ScriptedServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await ScriptedServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    [Fact]
    public async Task A_device_endpoint_that_is_away_for_a_moment_leaves_the_browser_elsewhere()
    {
        _server.Instead["/device_authorization"] = context =>
        {
            context.Response.StatusCode = 503;
            return Task.CompletedTask;
        };
        await using var login = Login("--no-browser");
        await login.UntilAsync(new("Paste the address here"));

        await login.TypeAsync("d");
        var again = await login.UntilAsync(new(@"There is no device code: [^\n]*503[^\n]*\.\s+Sign in in a browser elsewhere, since you said so\. Go to:\s+(?<address>\S+/authorize\?\S+)\s.*Paste the address here", RegexOptions.Singleline));
        using var browser = new HttpClient();
        using var page = await browser.GetAsync(new Uri(again.Groups["address"].Value), TestContext.Current.CancellationToken);

        var outcome = await login.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
    }

    [Fact]
    public async Task A_port_that_is_taken_leaves_the_device_code()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        await using var login = Login($"--device --port {port}");
        await login.UntilAsync(new("Keys: "));

        await login.TypeAsync("b");
        await login.UntilAsync(new($"No browser can be sent there: [^\\n]*{port} is taken.*enter the code .*Keys: ", RegexOptions.Singleline));

        await login.TypeAsync("\u0003");
        (await login.EndAsync()).ExitCode.ShouldBe(9);
    }

    [Fact]
    public async Task A_road_that_is_closed_from_the_start_ends_it()
    {
        _server.Instead["/device_authorization"] = context => ScriptedServer.ErrorAsync(context, "temporarily_unavailable", 503);
        await using var login = Login("--device");
        var outcome = await login.EndAsync();
        outcome.ExitCode.ShouldBe(6, outcome.ToString());
        outcome.Errors.ShouldNotContain("There is no device code");
    }

    private RunningCli Login(string options) => _cli.StartOnTerminal($"login {_server.Issuer} --client-id {ScriptedServer.ClientId} --scope openid {options}");
}

using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Tests;

/// <summary>The forms of <c>proofkey token</c>, read by the programs for which they are made: curl, git, kubectl and shells.</summary>
public sealed class TokenFormTests : SignedInCli
{
    // Visible ASCII, as RFC 6749 appendix A.12 allows it
    private const string Nasty = """it's $(touch ran) `touch ran` "q" \ \\ ${HOME} !x *~#""";

    private static readonly TokenForm NastyToken = new(Nasty, "Bearer", DateTimeOffset.UnixEpoch, "openid");

    [Fact]
    public async Task Curl_reads_its_configuration_and_no_argument_has_the_token()
    {
        await using var api = await TestApi.StartAsync(context => context.Response.WriteAsync("two orders"));
        var called = await RunOtherAsync("sh", "-c", $"{Proofkey} token -o curl-config | curl --silent --config - {api.Address}/orders");
        called.Output.ShouldBe("two orders", called.ToString());
        api.Seen.Single().Authorization.ShouldBe($"Bearer {await Cli.OutputOfAsync("token")}");
    }

    [Fact]
    public async Task Curl_sends_a_token_of_any_characters_as_it_is()
    {
        await using var api = await TestApi.StartAsync(context => context.Response.WriteAsync(""));
        (await RunOtherAsync("curl", "--silent", "--config", Cli.Write("curlrc", NastyToken.Text("curl-config")), api.Address)).ExitCode.ShouldBe(0);
        api.Seen.Single().Authorization.ShouldBe($"Bearer {Nasty}");
    }

    [Theory]
    [InlineData("sh"), InlineData("bash"), InlineData("zsh")]
    public async Task What_a_shell_that_evaluates_env_starts_gets_the_token_and_nothing_of_it_runs(string shell)
    {
        const string Child = """sh -c 'printf %s "$ACCESS_TOKEN"'""";
        var script = Cli.Write("token.sh", NastyToken.Text("env"));
        (await RunOtherAsync(shell, "-c", $"""eval "$(cat {script})"; {Child}""")).Output.ShouldBe(Nasty);
        File.Exists(Cli.PathOf("ran")).ShouldBeFalse();
        (await RunOtherAsync(shell, "-c", $"""eval "$({Proofkey} token -o env)"; {Child}""")).Output.ShouldBe(await Cli.OutputOfAsync("token"));
    }

    [Fact]
    public async Task Git_clones_with_the_token_from_the_server_that_was_named()
    {
        await using var server = await GitServer.StartAsync(this);
        var cloned = await CloneAsync(server, helper: $"!{Proofkey} token -o git --for {server.Address}");
        cloned.ExitCode.ShouldBe(0, cloned.ToString());
        (await File.ReadAllTextAsync(Cli.PathOf("clone/orders.txt"), TestContext.Current.CancellationToken)).ShouldBe("two\n");
        server.Credentials.ShouldBe($"oauth2:{await Cli.OutputOfAsync("token")}");
    }

    [Fact]
    [Assertion("CL-20")]
    public async Task Git_gets_no_token_for_another_server()
    {
        await using var server = await GitServer.StartAsync(this);
        var cloned = await CloneAsync(server, helper: $"!{Proofkey} token -o git --for https://git.example.com");
        cloned.ExitCode.ShouldNotBe(0);
        cloned.Errors.ShouldContain("could not read Username");
        server.Credentials.ShouldBeNull();
        (await Cli.RunWithAsync("protocol=https\nhost=git.example.com.evil.example\n\n", "token", "-o", "git", "--for", "https://git.example.com", "get")).ShouldBe(new Outcome(0, "", ""));
        (await Cli.RunWithAsync("protocol=http\nhost=git.example.com\n\n", "token", "-o", "git", "--for", "https://git.example.com", "get")).ShouldBe(new Outcome(0, "", ""));
    }

    [Theory]
    [Assertion("CL-20")]
    [InlineData("protocol=https\nhost=evil.example\nusername=x\rhost=git.example.com\n\n")]
    [InlineData("protocol=https\nhost=evil.example\nusername=x\r\nhost=git.example.com\n\n")]
    [InlineData("protocol=https\nhost=git.example.com\nusername=x\0\n\n")]
    public async Task A_value_that_reads_as_two_lines_gets_no_token(string asked) =>
        (await Cli.RunWithAsync(asked, "token", "-o", "git", "--for", "https://git.example.com", "get")).ShouldBe(new Outcome(0, "", ""));

    [Fact]
    public async Task Git_is_answered_in_its_protocol()
    {
        const string Asked = "protocol=https\nhost=git.example.com\n";
        var token = await Cli.SessionOfAsync();
        (await Cli.RunWithAsync($"{Asked}\n", "token", "-o", "git", "--for", "https://git.example.com", "get")).Output
            .ShouldBe($"username=oauth2\npassword={token.AccessToken}\npassword_expiry_utc={token.ExpiresAt.ToUnixTimeSeconds()}\n");
        (await Cli.RunWithAsync($"{Asked}username=x-token-auth\n\n", "token", "-o", "git", "--for", "https://git.example.com", "get")).Output.ShouldStartWith("password=");
        (await Cli.RunWithAsync($"{Asked}password=old\n\n", "token", "-o", "git", "--for", "https://git.example.com", "store")).ShouldBe(new Outcome(0, "", ""));
        (await Cli.RunWithAsync($"{Asked}password=old\n\n", "token", "-o", "git", "--for", "https://git.example.com", "erase")).ShouldBe(new Outcome(0, "", "https://git.example.com did not take the token of profile default.\n"));
        (await Cli.RunAsync("token", "-o", "git", "get")).ShouldBeFailure(2, "which server may have the token", "--for URL");
        (await Cli.RunAsync("token", "-o", "git", "--for", "http://git.example.com", "get")).ShouldBeFailure(2, "--for is the address of a server");
        (await Cli.RunAsync("token", "get")).ShouldBeFailure(2, "Unrecognized command or argument 'get'", "proofkey token --help");
    }

    [Fact]
    public async Task Kubectl_runs_it_as_its_plug_in()
    {
        // Without TLS it sends no token.
        await using var cluster = await TestApi.StartAsync(context => context.Response.WriteAsync("""{"orders":2}"""), isHttps: true);
        var token = await Cli.OutputOfAsync("token");
        var configuration = Cli.Write("kubeconfig", $$"""
            apiVersion: v1
            kind: Config
            current-context: test
            clusters:
            - name: test
              cluster:
                server: "{{cluster.Address}}"
                insecure-skip-tls-verify: true
            contexts:
            - name: test
              context:
                cluster: test
                user: alice
            users:
            - name: alice
              user:
                exec:
                  apiVersion: client.authentication.k8s.io/v1beta1
                  command: {{Cli.Program}}
                  args: [token, -o, exec-credential]
                  interactiveMode: Never
            """);
        var called = await RunOtherAsync("kubectl", "--kubeconfig", configuration, "get", "--raw", "/orders");
        called.Output.ShouldBe("""{"orders":2}""", called.ToString());
        cluster.Seen.ShouldContain(request => request.Path == "/orders" && request.Authorization == $"Bearer {token}");
    }

    [Fact]
    public async Task The_plug_in_answers_in_the_form_that_was_asked_for()
    {
        var session = await Cli.SessionOfAsync();
        using (var json = JsonDocument.Parse(await Cli.OutputOfAsync("token", "-o", "exec-credential")))
        {
            json.RootElement.GetProperty("apiVersion").GetString().ShouldBe("client.authentication.k8s.io/v1");
            json.RootElement.GetProperty("kind").GetString().ShouldBe("ExecCredential");
            json.RootElement.GetProperty("status").GetProperty("token").GetString().ShouldBe(session.AccessToken);
            json.RootElement.GetProperty("status").GetProperty("expirationTimestamp").GetString().ShouldBe($"{session.ExpiresAt.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}");
        }
        Cli.Environment[KubernetesRequest.Variable] = """{"apiVersion":"client.authentication.k8s.io/v1alpha1","kind":"ExecCredential"}""";
        (await Cli.RunAsync("token", "-o", "exec-credential")).ShouldBeFailure(2, "v1alpha1", "apiVersion: client.authentication.k8s.io/v1");
        Cli.Environment[KubernetesRequest.Variable] = """{"apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}""";
        (await Cli.RunAsync("user", "remove", "alice", "--data", Cli.Data)).ExitCode.ShouldBe(0);
        await Cli.ChangeAsync("default", stored => stored with { ExpiresAt = DateTimeOffset.UnixEpoch });
        (await Cli.RunAsync("token", "-o", "exec-credential", "--interactive")).ShouldBeFailure(4, "session has ended", "proofkey login");
    }

    [Fact]
    public async Task On_a_terminal_a_token_is_shown_only_when_that_is_said()
    {
        var token = (await Cli.SessionOfAsync()).AccessToken;
        await using (var hidden = Cli.StartOnTerminal("token"))
        {
            var outcome = await hidden.EndAsync();
            outcome.ExitCode.ShouldBe(2);
            outcome.Errors.ShouldContain("others may see this screen");
            outcome.Errors.ShouldNotContain(token);
        }
        await using var shown = Cli.StartOnTerminal("token --show");
        (await shown.EndAsync()).Errors.ShouldContain(token);
    }

    private Task<Outcome> CloneAsync(GitServer server, string helper)
    {
        Cli.Environment["GIT_TERMINAL_PROMPT"] = "0";
        Cli.Environment["GIT_CONFIG_NOSYSTEM"] = "1";
        return RunOtherAsync("git", "-c", "credential.helper=", "-c", $"credential.helper={helper}", "clone", "--quiet", $"{server.Address}/repository.git", Cli.PathOf("clone"));
    }

    /// <summary>A repository behind a password, for git's plain protocol over HTTP.</summary>
    private sealed class GitServer(TestApi api) : IAsyncDisposable
    {
        private string? _authorization;

        public string Address => api.Address;

        /// <summary>What git proved itself by.</summary>
        public string? Credentials => _authorization is null ? null : Encoding.UTF8.GetString(Convert.FromBase64String(_authorization["Basic ".Length..]));

        public static async Task<GitServer> StartAsync(TokenFormTests test)
        {
            var made = await test.RunOtherAsync("sh", "-ec", """
                git -c init.defaultBranch=main init --quiet work && cd work && echo two > orders.txt && git add .
                git -c user.name=alice -c user.email=alice@example.com commit --quiet -m Orders
                cd .. && git clone --quiet --bare work repository.git && git -C repository.git update-server-info
                """);
            made.ExitCode.ShouldBe(0, made.ToString());
            GitServer? server = null;
            var api = await TestApi.StartAsync(context => server!.AnswerAsync(context, test.Cli.PathOf("")));
            return server = new GitServer(api);
        }

        public ValueTask DisposeAsync() => api.DisposeAsync();

        private async Task AnswerAsync(HttpContext context, string folder)
        {
            if (context.Request.Headers.Authorization.ToString() is not { Length: > 0 } authorization)
            {
                context.Response.StatusCode = 401;
                context.Response.Headers.WWWAuthenticate = "Basic realm=\"orders\"";
                return;
            }
            _authorization = authorization;
            var file = Path.Combine(folder, context.Request.Path.Value!.TrimStart('/'));
            if (File.Exists(file)) await context.Response.SendFileAsync(file);
            else context.Response.StatusCode = 404;
        }
    }
}

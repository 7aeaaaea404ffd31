using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Tests;

/// <summary>The roads of <c>proofkey login</c>: what is said, what is asked, and how to get from one to another.</summary>
public sealed partial class RoadTests : IAsyncLifetime
{
    private readonly Cli _cli = new();
    private TestServer _server = null!;

    [GeneratedRegex(@"enter the code (?<code>\S+)")]
    private static partial Regex UserCode();

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.StartAsync(_cli);
        await _server.AddAliceAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    [Fact]
    [Assertion("CL-08")]
    public async Task On_the_browser_road_the_answer_is_posted_and_its_code_stands_in_no_address()
    {
        await using var login = await StartAsync("--browser");
        using var browser = new ScriptedBrowser();

        var address = (await login.UntilAsync(ScriptedBrowser.Address())).Value;
        var end = await browser.AnswerAsync(address);
        var outcome = await login.EndAsync();

        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        address.ShouldContain("request_uri=");
        address.ShouldNotContain("redirect_uri=");
        end.AbsolutePath.ShouldStartWith("/callback/done/");
        end.Query.ShouldBeEmpty();
    }

    [Fact]
    public async Task Over_SSH_the_road_is_a_browser_elsewhere_and_the_forwarded_port_is_named_as_it_is()
    {
        _cli.Environment["SSH_CONNECTION"] = "192.0.2.7 50000 198.51.100.4 22";
        await using var login = await StartAsync();

        var port = (await login.UntilAsync(new(@"It ends at http://127\.0\.0\.1:(\d+)/callback\?"))).Groups[1].Value;
        await login.UntilAsync(new($"ssh -L {port}:127\\.0\\.0\\.1:{port} 198\\.51\\.100\\.4"));
        login.Errors.ShouldStartWith("Sign in in a browser elsewhere, since this is an SSH session. Go to:\n");
        login.Errors.ShouldNotContain("device code");

        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        (await login.EndAsync()).ExitCode.ShouldBe(0);
    }

    [Fact]
    [Assertion("CL-08")]
    [Assertion("CL-12")]
    public async Task What_a_browser_elsewhere_ends_at_is_pasted_and_never_shown()
    {
        var (login, address) = await StartOnTerminalAsync("--no-browser");
        await using var running = login;
        using var browser = new ScriptedBrowser();
        var callback = (await browser.AnswerAsync(address)).AbsoluteUri;

        await login.TypeAsync("http://127.0.0.1/elsewhere?code=x\r");
        await login.UntilAsync(new("That is not it"));
        await login.TypeAsync(callback + "\r");
        await login.UntilAsync(new("Signed in as alice"));

        (await login.EndAsync()).ExitCode.ShouldBe(0);
        login.Errors.ShouldNotContain(Regex.Match(callback, "code=([^&]+)").Groups[1].Value);
    }

    [Fact]
    [Assertion("DV-12")]
    public async Task A_device_code_comes_by_its_flag_or_key_alone_and_with_a_warning()
    {
        var (login, _) = await StartOnTerminalAsync("--no-browser");
        await using var running = login;
        login.Errors.ShouldNotContain("enter the code");

        await login.TypeAsync("d");
        var code = (await login.UntilAsync(UserCode())).Groups["code"].Value;
        login.Errors.ShouldContain("Enter this code only because you started this very command.");
        await login.UntilAsync(new("█"));
        await login.TypeAsync("b");
        await login.UntilAsync(new("Sign in in the browser, since you pressed its key"));
        await login.TypeAsync("p");
        await login.UntilAsync(new("in a browser elsewhere, since you pressed its key"));
        await login.TypeAsync("\u0003");
        await login.UntilAsync(new("Cancelled"));

        code.ShouldMatch("^[A-Z]{4}-[A-Z]{4}$");
        (await login.EndAsync()).ExitCode.ShouldBe(9);
    }

    [Fact]
    public async Task Another_login_gets_no_turn_while_the_person_goes_from_one_road_to_another()
    {
        var client = await _server.AddClientAsync("--device");
        await using var login = _cli.StartOnTerminal($"login {_server.Issuer} --client-id {client} --no-browser");
        await login.UntilAsync(new("Keys: "));
        await using var other = _cli.Start("login", _server.Issuer, "--client-id", client, "--no-browser");
        await other.UntilAsync(new("Another program asks for this very sign-in"));

        // The next road is held up on its way, for longer than the other program takes to look whether it has its turn.
        using (LockFile.TryTake(_cli.SessionFile + ".lock").ShouldNotBeNull())
        {
            await login.TypeAsync("d");
            await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, TestContext.Current.CancellationToken);
            login.Errors.ShouldNotContain("enter the code");
            ScriptedBrowser.Address().IsMatch(other.Errors).ShouldBeFalse(other.Errors);
        }
        await login.UntilAsync(UserCode());
        ScriptedBrowser.Address().IsMatch(other.Errors).ShouldBeFalse(other.Errors);

        await login.TypeAsync("\u0003");
        (await login.EndAsync()).ExitCode.ShouldBe(9);
        await other.UntilAsync(ScriptedBrowser.Address());
    }

    [Fact]
    [Assertion("DV-12")]
    public async Task What_is_pasted_on_the_browser_road_is_no_choice_of_another_road()
    {
        _cli.Environment["BROWSER"] = "/nonexistent/browser";
        var (login, _) = await StartOnTerminalAsync("--browser");
        await using var running = login;

        await login.TypeAsync("ddd");
        await login.TypeAsync("http://127.0.0.1:1/callback?code=pdb\r");
        await login.UntilAsync(new("No browser could be opened"));
        await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, TestContext.Current.CancellationToken);
        login.Errors.ShouldNotContain("you pressed its key");
        login.Errors.ShouldNotContain("enter the code");
        await login.TypeAsync("p");
        await login.UntilAsync(new("you pressed its key"));
        await login.TypeAsync("\u0003");

        (await login.EndAsync()).ExitCode.ShouldBe(9);
    }

    [Fact]
    public async Task A_key_that_cannot_work_is_neither_offered_nor_heard()
    {
        _cli.Environment["BROWSER"] = "/nonexistent/browser";
        var (login, _) = await StartOnTerminalAsync("--browser", "--response-mode", "form_post", "--max-age", "5m");
        await using var running = login;
        login.Errors.ShouldContain("Keys: Ctrl-C to give up.");

        await login.TypeAsync("p");
        await login.TypeAsync("\u0003");
        (await login.EndAsync()).ExitCode.ShouldBe(9);
    }

    [Fact]
    public async Task Without_a_terminal_nobody_is_told_to_paste()
    {
        await using var login = await StartAsync("--no-browser");
        await login.UntilAsync(new("It ends at http://127\\.0\\.0\\.1:(\\d+)/callback\\?"));
        await login.UntilAsync(new("only if the port \\d+ leads to this machine"));
        login.Errors.ShouldNotContain("copy the whole address");
    }

    [Fact]
    [Assertion("DV-12")]
    public async Task A_person_enters_the_code_of_a_device_elsewhere()
    {
        await using var login = await StartAsync("--device");
        var code = (await login.UntilAsync(UserCode())).Groups["code"].Value;

        await ScriptedBrowser.EnterAsync(new Uri($"{_server.Issuer}/device?user_code={code}"));
        var outcome = await login.EndAsync();

        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldContain("Signed in as alice");
        outcome.Errors.IndexOf("Enter this code only", StringComparison.Ordinal).ShouldBeLessThan(outcome.Errors.IndexOf("enter the code", StringComparison.Ordinal));
        outcome.Errors.ShouldNotContain("█", customMessage: "no terminal, no picture");
        (await _cli.OutputOfAsync("whoami")).ShouldContain("alice@example.com");
    }

    [Fact]
    public async Task A_server_that_has_no_device_code_for_this_client_leaves_the_other_roads_open()
    {
        var client = await _server.AddClientAsync();
        await using var login = _cli.StartOnTerminal($"login {_server.Issuer} --client-id {client} --no-browser");
        await login.UntilAsync(new("Keys: "));

        await login.TypeAsync("d");
        await login.UntilAsync(new("There is no device code: the server refused with unauthorized_client"));
        await login.UntilAsync(new("There is no device code.*Keys: ", RegexOptions.Singleline));
        await login.TypeAsync("\u0003");

        (await login.EndAsync()).ExitCode.ShouldBe(9);
    }

    [Fact]
    public async Task Without_input_nobody_is_asked_and_a_good_session_is_enough()
    {
        var client = await _server.AddClientAsync();
        (await _cli.RunAsync("login", _server.Issuer, "--client-id", client, "--no-input")).ShouldBeFailure(4, "A person must sign in", "proofkey login");

        await using (var login = _cli.Start("login", _server.Issuer, "--client-id", client, "--no-browser"))
        {
            using var browser = new ScriptedBrowser();
            await browser.SignInAsync(login);
            (await login.EndAsync()).ExitCode.ShouldBe(0);
        }
        (await _cli.RunAsync("login", "--no-input")).Errors.ShouldStartWith("Signed in as alice");
        (await _cli.RunAsync("logout")).ExitCode.ShouldBe(0);
        (await _cli.RunAsync("token", "--interactive", "--no-input")).ExitCode.ShouldBe(4);
    }

    [Fact]
    public async Task A_registered_port_and_path_are_kept_in_the_profile()
    {
        var port = TestServer.FreePort();
        await using var login = await StartAsync("--no-browser", "--port", $"{port}", "--redirect-path", "/callback", "--response-mode", "query");
        await login.UntilAsync(new($"It ends at http://127\\.0\\.0\\.1:{port}/callback\\?"));
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        (await login.EndAsync()).ExitCode.ShouldBe(0);

        await using var again = _cli.Start("login", "--no-browser");
        await again.UntilAsync(new($"It ends at http://127\\.0\\.0\\.1:{port}/callback\\?"));
        using var profile = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Path.GetDirectoryName(_cli.SessionFile)!, "profile.json"), TestContext.Current.CancellationToken));
        profile.RootElement.GetProperty("ports")[0].GetInt32().ShouldBe(port);
        profile.RootElement.GetProperty("response_mode").GetString().ShouldBe("query");
    }

    [Theory]
    [InlineData("--browser --device", "three roads")]
    [InlineData("--no-browser --device", "three roads")]
    [InlineData("--port 0", "--port")]
    [InlineData("--port 80,x", "--port")]
    [InlineData("--redirect-path callback", "--redirect-path")]
    [InlineData("--redirect-path //evil.example", "--redirect-path")]
    [InlineData("--response-mode fragment", "--response-mode")]
    [InlineData("--timeout 0s", "--timeout")]
    [InlineData("--timeout 48h", "--timeout")]
    [InlineData("--no-browser --response-mode form_post", "pasted")]
    public async Task A_choice_that_cannot_be_is_explained(string options, string said) =>
        (await _cli.RunAsync(["login", _server.Issuer, "--client-id", "x", .. options.Split(' ')])).ShouldBeFailure(2, said);

    [Fact]
    public async Task A_port_that_is_taken_is_named_with_the_remedy_and_the_page_about_it()
    {
        using var other = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        other.Start();
        var port = ((System.Net.IPEndPoint)other.LocalEndpoint).Port;
        (await _cli.RunAsync("login", _server.Issuer, "--client-id", "x", "--browser", "--port", $"{port}")).ShouldBeFailure(1, $"{port} is taken by process {Environment.ProcessId} (", "More about it: docs/errors/no_port.md");
    }

    [Fact]
    public void A_code_by_GET_is_refused_with_the_option_that_is_typed() =>
        Failure.Of(new SignInResult.Rejected(new ProtocolViolation("callback_by_get", "a form", "an address", "ResponseMode.Query")))!.Remedy.ShouldContain("--response-mode query");

    [Fact]
    public async Task In_Visual_Studio_Code_the_browser_is_said_to_be_where_the_person_is()
    {
        (_cli.Environment["VSCODE_IPC_HOOK_CLI"], _cli.Environment["BROWSER"]) = ("/tmp/hook.sock", "/nonexistent/browser");
        await using var login = await StartAsync();
        await login.UntilAsync(ScriptedBrowser.Address());
        login.Errors.ShouldStartWith("Sign in in the browser, since Visual Studio Code opens the browser on your machine and forwards the port. If none opens, go to:\n");
        login.PressControlC();
        await login.EndAsync();
    }

    [Fact]
    [Assertion("DV-12")]
    public async Task No_variable_makes_it_a_device_code()
    {
        _cli.Environment["PROOFKEY_DEVICE"] = "true";
        await using var login = await StartAsync("--no-browser");
        await login.UntilAsync(ScriptedBrowser.Address());
        login.Errors.ShouldNotContain("enter the code");
        login.PressControlC();
        await login.EndAsync();
    }

    [Fact]
    public async Task A_terminal_that_knows_links_gets_the_address_as_one()
    {
        _cli.Environment["TERM_PROGRAM"] = "vscode";
        var (login, _) = await StartOnTerminalAsync("--no-browser");
        await using var running = login;
        login.Errors.ShouldMatch("\u001b]8;;(?<address>http://127.0.0.1:[0-9]+/authorize[?][!-~]+)\u001b\\\\\\k<address>\u001b]8;;\u001b\\\\");
        await login.TypeAsync("\u0003");
        await login.EndAsync();
    }

    [Fact]
    public async Task The_address_is_there_before_a_browser_is_asked()
    {
        var said = new StringWriter();
        var before = "";
        await using var client = new PublicClient(new ClientOptions
        {
            Issuer = Issuer.Parse(_server.Issuer),
            ClientId = await _server.AddClientAsync(),
            Scope = Scope.Parse("openid"),
            Timeout = TimeSpan.FromSeconds(1),
            OpenBrowser = (address, _) => ValueTask.FromResult((before = $"{said} {address}") is not null),
        });

        await Should.ThrowAsync<CommandException>(() => new InteractiveSignIn(client, new Terminal { Error = said }, new SignInChoice { Road = SignInRoad.Browser, MayAsk = false }).RunAsync(TestContext.Current.CancellationToken));

        var addresses = ScriptedBrowser.Address().Matches(before + "\n").Select(address => address.Value).ToList();
        addresses.Count.ShouldBe(2, before);
        addresses[0].ShouldBe(addresses[1]);
    }

    [Fact]
    public async Task A_server_that_is_away_when_the_address_ends_is_asked_again_until_there_is_a_new_one()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.TakesPushed = true;
        var said = new StringWriter();
        await using var client = new PublicClient(server.Options() with { TimeProvider = new HastyTime(), RequestTimeout = TimeSpan.FromSeconds(20), Timeout = TimeSpan.FromMinutes(5) });
        var pushed = 0;
        server.Instead["/par"] = context =>
        {
            if (++pushed is 2 or 3) context.Response.StatusCode = 503;
            else context.Response.StatusCode = 201;
            return context.Response.StatusCode == 503 ? Task.CompletedTask : context.Response.WriteAsJsonAsync(new Dictionary<string, object> { ["request_uri"] = $"urn:ietf:params:oauth:request_uri:{pushed}", ["expires_in"] = 60 });
        };

        await Should.ThrowAsync<CommandException>(() => new InteractiveSignIn(client, new Terminal { Error = said }, new SignInChoice { Road = SignInRoad.Browser, MayAsk = false }).RunAsync(TestContext.Current.CancellationToken));

        Regex.Count(said.ToString(), "there is no new one yet").ShouldBe(1, said.ToString());
        said.ToString().ShouldContain("This one is good:");
        pushed.ShouldBeGreaterThan(3);
    }

    [Fact]
    [Rfc("RFC 9126", "2.2")]
    public async Task An_address_that_ends_soon_is_renewed_before_the_person_is_told_to_go_on()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.TakesPushed = true;
        var said = new StringWriter();
        await using var client = new PublicClient(server.Options() with { Timeout = TimeSpan.FromSeconds(4) });
        var pushed = 0;
        server.Instead["/par"] = context =>
        {
            context.Response.StatusCode = 201;
            return context.Response.WriteAsJsonAsync(new Dictionary<string, object> { ["request_uri"] = $"urn:ietf:params:oauth:request_uri:{++pushed}", ["expires_in"] = 1 });
        };

        await Should.ThrowAsync<CommandException>(() => new InteractiveSignIn(client, new Terminal { Error = said }, new SignInChoice { Road = SignInRoad.Paste, MayAsk = false }).RunAsync(TestContext.Current.CancellationToken));

        said.ToString().ShouldContain("This one is good:");
        said.ToString().ShouldNotContain("Still waiting");
        pushed.ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task A_server_that_refuses_the_request_when_its_address_ends_is_not_asked_for_ever()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.TakesPushed = true;
        var said = new StringWriter();
        await using var client = new PublicClient(server.Options() with { TimeProvider = new HastyTime(), RequestTimeout = TimeSpan.FromSeconds(20), Timeout = TimeSpan.FromMinutes(5) });
        var pushed = 0;
        server.Instead["/par"] = context =>
        {
            context.Response.StatusCode = ++pushed == 1 ? 201 : 400;
            return context.Response.WriteAsJsonAsync(pushed == 1
                ? new Dictionary<string, object> { ["request_uri"] = "urn:ietf:params:oauth:request_uri:1", ["expires_in"] = 60 }
                : new Dictionary<string, object> { ["error"] = "unauthorized_client" });
        };

        await Should.ThrowAsync<CommandException>(() => new InteractiveSignIn(client, new Terminal { Error = said }, new SignInChoice { Road = SignInRoad.Browser, MayAsk = false }).RunAsync(TestContext.Current.CancellationToken));

        said.ToString().ShouldContain("That address has ended, and there is no new one: the server refused with unauthorized_client");
        pushed.ShouldBe(2);
    }

    [Fact]
    public async Task After_thirty_seconds_the_person_is_told_what_was_asked()
    {
        var (said, time) = (new StringWriter(), new HastyTime());
        var id = await _server.AddClientAsync();
        await using var client = new PublicClient(new ClientOptions
        {
            Issuer = Issuer.Parse(_server.Issuer),
            ClientId = id,
            Scope = Scope.Parse("openid"),
            TimeProvider = time,
            RequestTimeout = TimeSpan.FromSeconds(20),
            OpenBrowser = (_, _) => ValueTask.FromResult(true),
        });

        var signIn = new InteractiveSignIn(client, new Terminal { Error = said }, new SignInChoice { Road = SignInRoad.Browser, MayAsk = false });
        var ended = await Should.ThrowAsync<CommandException>(() => signIn.RunAsync(TestContext.Current.CancellationToken));

        ended.ExitCode.ShouldBe(ExitCodes.TimedOut);
        time.Pauses.ShouldContain(TimeSpan.FromSeconds(30));
        said.ToString().ShouldContain($"asked were the client {id}, the redirect URI http://127.0.0.1:");
        said.ToString().ShouldContain("Ctrl-C gives up.", customMessage: "without a keyboard there are no other keys");
        said.ToString().ShouldContain("This one is good:", customMessage: "the reference of a pushed request ends after a minute");
        ScriptedBrowser.Address().Matches(said.ToString()).Select(address => address.Value).ShouldBeUnique();
    }

    [Theory]
    [InlineData(SignInRoad.Browser, "Still waiting for the browser.", "Keys: p to paste what a browser elsewhere ends at, d for a device code, Ctrl-C to give up.")]
    [InlineData(SignInRoad.Paste, "Still waiting for the browser.", "Keys: b for the browser here, d for a device code, Ctrl-C to give up.")]
    [InlineData(SignInRoad.Device, "Still waiting for the code ", "Keys: b for the browser here, p to paste what a browser elsewhere ends at, Ctrl-C to give up.")]
    public async Task On_each_road_a_person_who_waits_is_told_the_keys_again(SignInRoad road, string waiting, string keys)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var said = new UntilReminded(stop);
        await using var client = new PublicClient(new ClientOptions
        {
            Issuer = Issuer.Parse(_server.Issuer),
            ClientId = await _server.AddClientAsync("--device"),
            Scope = Scope.Parse("openid"),
            TimeProvider = new HastyTime(),
            RequestTimeout = TimeSpan.FromSeconds(20),
            OpenBrowser = (_, _) => ValueTask.FromResult(true),
        });
        var signIn = new InteractiveSignIn(client, new Terminal { Error = said, CanAsk = true }, new SignInChoice { Road = road, MayAsk = true });

        await Should.ThrowAsync<OperationCanceledException>(() => signIn.RunAsync(stop.Token));

        said.Reminder.ShouldStartWith(waiting);
        said.Reminder.ShouldEndWith(keys);
    }

    private Task<RunningCli> StartAsync(params string[] options) => StartAsync(options, onTerminal: false);

    private async Task<RunningCli> StartAsync(string[] options, bool onTerminal)
    {
        var client = await _server.AddClientAsync("--device");
        return onTerminal ? _cli.StartOnTerminal($"login {_server.Issuer} --client-id {client} {string.Join(' ', options)}") : _cli.Start(["login", _server.Issuer, "--client-id", client, .. options]);
    }

    private async Task<(RunningCli Login, string Address)> StartOnTerminalAsync(params string[] options)
    {
        var login = await StartAsync(options, onTerminal: true);
        var address = (await login.UntilAsync(ScriptedBrowser.Address())).Value;
        await login.UntilAsync(new("Keys: "));
        return (login, address);
    }

    /// <summary>Lets the pauses of a person pass at once, and the limits of requests as ever.</summary>
    /// <summary>Hears what is said again after a while, and stops the wait then.</summary>
    private sealed class UntilReminded(CancellationTokenSource stop) : StringWriter
    {
        private bool _isWhole;

        public string Reminder { get; private set; } = "";

        public override void WriteLine(string? value)
        {
            lock (stop)
            {
                if (_isWhole || (Reminder.Length == 0 && value?.StartsWith("Still waiting", StringComparison.Ordinal) != true)) return;
                Reminder += $"{value}\n";
                if (!Reminder.Contains("Ctrl-C", StringComparison.Ordinal)) return;
                (Reminder, _isWhole) = (Reminder.TrimEnd(), true);
            }
            stop.Cancel();
        }
    }

    private sealed class HastyTime : TimeProvider
    {
        private long _shift;

        /// <summary>How long was waited, had it been waited.</summary>
        public ConcurrentBag<TimeSpan> Pauses { get; } = [];

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Volatile.Read(ref _shift));

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == TimeSpan.FromMinutes(5)) return base.CreateTimer(callback, state, TimeSpan.FromSeconds(1), period);
            // Five seconds are the pause before a server is asked again.
            if (dueTime < TimeSpan.FromSeconds(25) && dueTime != TimeSpan.FromSeconds(5)) return base.CreateTimer(callback, state, dueTime, period);
            Pauses.Add(dueTime);
            Interlocked.Add(ref _shift, dueTime.Ticks);
            return base.CreateTimer(callback, state, TimeSpan.FromMilliseconds(100), period);
        }
    }
}

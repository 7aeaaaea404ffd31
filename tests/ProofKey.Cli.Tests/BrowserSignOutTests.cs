using System.Text.Json;

namespace ProofKey.Cli.Tests;

/// <summary>What <c>proofkey logout</c> does about the server's own session in the person's browser.</summary>
public sealed class BrowserSignOutTests : SignedInCli
{
    private const string Elsewhere = "Sign out in your browser too, which is not opened here, since";

    [Fact]
    [Assertion("LO-14")]
    public async Task The_person_is_told_where_the_browser_is_signed_out_and_nothing_opens()
    {
        var (address, opened) = (await AddressAsync(), StandIn());

        var outcome = await Cli.RunAsync("logout");

        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldBe($"Signed out of {Server.Issuer}; profile default is forgotten.\nYour browser may still be signed in there. To sign out of that too, go to:\n{address}\n");
        outcome.Output.ShouldBeEmpty();
        File.Exists(opened).ShouldBeFalse();
    }

    [Fact]
    [Assertion("LO-14")]
    public async Task The_browser_is_asked_to_open_exactly_the_address_that_was_printed()
    {
        var (address, opened) = (await AddressAsync(), StandIn());

        var outcome = await Cli.RunAsync("logout", "--browser");

        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldBe($"Signed out of {Server.Issuer}; profile default is forgotten.\nSign out in the browser too. If none opens, go to:\n{address}\n");
        (await File.ReadAllTextAsync(opened, TestContext.Current.CancellationToken)).ShouldBe($"1 {address}\n", "one argument");
    }

    [Fact]
    [Assertion("LO-14")]
    public async Task That_no_browser_opens_is_said_and_is_no_failure_of_the_sign_out()
    {
        var address = await AddressAsync();
        Cli.Environment["BROWSER"] = "/nonexistent/browser";
        Cli.Environment["VSCODE_IPC_HOOK_CLI"] = "there";

        var outcome = await Cli.RunAsync("logout", "--browser");

        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldEndWith($"\n{address}\nNo browser could be opened here: open the address yourself.\n");
        File.Exists(Cli.SessionFile).ShouldBeFalse();
    }

    [Fact]
    [Assertion("LO-14")]
    public async Task Over_SSH_the_address_is_printed_for_the_browser_elsewhere()
    {
        var (address, opened) = (await AddressAsync(), StandIn());
        Cli.Environment["VSCODE_IPC_HOOK_CLI"] = null;
        Cli.Environment["SSH_CONNECTION"] = "192.0.2.7 50000 198.51.100.4 22";

        var outcome = await Cli.RunAsync("logout", "--browser");

        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldEndWith($"\n{Elsewhere} this is an SSH session. Go to:\n{address}\n");
        File.Exists(opened).ShouldBeFalse();
    }

    [Theory]
    [InlineData("--no-input", null)]
    [InlineData("", "PROOFKEY_NO_INPUT")]
    [Assertion("LO-14")]
    public async Task Without_input_nothing_opens(string option, string? variable)
    {
        var (address, opened) = (await AddressAsync(), StandIn());
        if (variable is not null) Cli.Environment[variable] = "true";

        var outcome = await Cli.RunAsync(["logout", "--browser", .. option.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldEndWith($"\n{Elsewhere} --no-input opens nothing. Go to:\n{address}\n");
        File.Exists(opened).ShouldBeFalse();
        File.Exists(Cli.SessionFile).ShouldBeFalse();
    }

    [Fact]
    [Assertion("LO-14")]
    public async Task A_variable_that_is_about_login_opens_nothing()
    {
        var opened = StandIn();
        Cli.Environment["PROOFKEY_BROWSER"] = "true";

        (await Cli.RunAsync("logout")).ExitCode.ShouldBe(0);

        File.Exists(opened).ShouldBeFalse();
    }

    [Fact]
    [Assertion("LO-14")]
    public async Task As_JSON_the_address_is_a_member_and_no_token_is_in_it()
    {
        var (address, session) = (await AddressAsync(), await Cli.SessionOfAsync());

        var printed = await Cli.OutputOfAsync("logout", "--json");

        using var json = JsonDocument.Parse(printed);
        json.RootElement.EnumerateObject().Select(member => $"{member.Name} {member.Value}").ShouldBe(["profile default", $"issuer {Server.Issuer}", "revoked True", $"end_session_uri {address}"]);
        foreach (var secret in (string?[])[session.AccessToken, session.RefreshToken]) printed.ShouldNotContain(secret.ShouldNotBeNull());
    }

    [Fact]
    [Assertion("LO-14")]
    public async Task Where_nobody_is_signed_in_here_any_more_the_browser_may_be_all_the_same()
    {
        var (address, opened) = (await AddressAsync(), StandIn());
        File.Delete(Cli.SessionFile);

        var outcome = await Cli.RunAsync("logout", "--browser");

        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldStartWith("Nobody was signed in any more; profile default is forgotten.\n");
        (await File.ReadAllTextAsync(opened, TestContext.Current.CancellationToken)).ShouldBe($"1 {address}\n");
    }

    [Fact]
    [Assertion("LO-14")]
    public async Task A_server_without_such_a_place_is_said_to_have_none_only_where_a_browser_was_asked_for()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.TakesPushed = true;
        foreach (var (options, said) in new[] { ((string[])[], ""), (["--browser"], "No address is known at which this server signs a browser out: sign out on its own pages.\n") })
        {
            await LoginAsync(server);
            var outcome = await Cli.RunAsync(["logout", "-p", "other", .. options]);
            outcome.ExitCode.ShouldBe(0, outcome.ToString());
            outcome.Errors.ShouldBe($"Signed out of {server.Issuer}; profile other is forgotten.\n{said}");
        }
    }

    private async Task LoginAsync(ScriptedServer server)
    {
        await using var login = Cli.Start("login", server.Issuer.Value, "--client-id", ScriptedServer.ClientId, "--no-browser", "-p", "other");
        using var http = new HttpClient();
        using var page = await http.GetAsync(new Uri((await login.UntilAsync(ScriptedBrowser.Address())).Value), TestContext.Current.CancellationToken);
        (await login.EndAsync()).ExitCode.ShouldBe(0);
    }

    private async Task<string> AddressAsync() => $"{Server.Issuer}/logout?client_id={(await Cli.SessionOfAsync()).ClientId}";

    // A browser that a sign-in would open wherever this runs, and the file that it writes its arguments to.
    private string StandIn()
    {
        var command = Cli.Write("browser", "#!/bin/sh\necho \"$# $1\" > \"$(dirname \"$0\")/opened\"\n");
        File.SetUnixFileMode(command, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Cli.Environment["BROWSER"] = command;
        Cli.Environment["VSCODE_IPC_HOOK_CLI"] = "there";
        return Cli.PathOf("opened");
    }
}

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ProofKey.Cli.Doctor;
using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Tests;

/// <summary><c>doctor</c> without <c>--server</c>: what a sign-in on this machine needs, and what a provider promises.</summary>
public sealed class MachineCheckupTests : IDisposable
{
    private readonly Cli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task A_machine_on_which_somebody_can_sign_in_gets_a_tick_for_each_check()
    {
        await using var server = await TestServer.StartAsync(_cli);
        var outcome = await _cli.RunAsync("doctor", "--issuer", server.Issuer, "--json");
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        using var json = JsonDocument.Parse(outcome.Output);
        json.RootElement.EnumerateArray().Select(finding => finding.GetProperty("name").GetString())
            .ShouldBe(["runtime", "sign-in", "display", "browser", "loopback", "proxy", "store", "clock", "metadata", "pkce", "answers", "device codes", "revocation", "sign-out"]);
        json.RootElement.EnumerateArray().Where(finding => finding.GetProperty("name").GetString() != "runtime").ShouldAllBe(finding => finding.GetProperty("state").GetString() == "good");
        (await _cli.OutputOfAsync("doctor")).ShouldContain("✓ loopback");
        (await _cli.RunAsync("doctor", "--issuer", "login.example.com")).ShouldBeFailure(2, "--issuer https://login.example.com");
    }

    [Theory]
    [InlineData(SystemKind.Windows, "netsh int ipv4 show excludedportrange protocol=tcp")]
    [InlineData(SystemKind.Linux, "Ports below 1024 are for root")]
    public void A_port_that_nobody_may_have_comes_with_what_the_system_says_of_it(object system, string remedy)
    {
        var checkup = new MachineCheckup(MachineFacts.OfThisMachine with { System = (SystemKind)system });

        var found = checkup.PortAfter(8401, SocketError.AccessDenied);

        (found.State, found.Text).ShouldBe(("bad", "8401 may not be listened on."));
        found.Remedy!.ShouldContain(remedy);
        checkup.PortAfter(8401, SocketError.AddressAlreadyInUse).Remedy!.ShouldNotContain("netsh");
        checkup.PortAfter(8401, null).State.ShouldBe("good");
    }

    [Fact]
    public void A_browser_is_found_in_the_order_in_which_one_is_opened()
    {
        var here = Program("xdg-open");
        Browser([("DISPLAY", ":0"), ("PATH", Path.GetDirectoryName(here)!)]).Text.ShouldBe("xdg-open opens it.");
        Browser([("DISPLAY", ":0"), ("PATH", Path.GetDirectoryName(here)!), ("BROWSER", $"missing:{here} %s")]).Text.ShouldBe($"{here} opens it.");
        Browser([("BROWSER", "w3m:missing"), ("PATH", "/nonexistent")]).ShouldBe(Finding.Broken(
            "browser", "There is no program to open one: missing cannot be run from here.", "Install xdg-utils and a browser, set BROWSER to the command of one, or say --no-browser."));
        Browser([("SSH_TTY", "/dev/pts/0"), ("DISPLAY", ":0")]).State.ShouldBe("good", "none is opened over SSH");
    }

    [Fact]
    public void A_browser_that_the_sign_in_would_not_start_is_none()
    {
        Program("firefox");
        var folder = _cli.PathOf("");
        Browser([("BROWSER", "./firefox"), ("PATH", folder)]).State.ShouldBe("bad", "a path that is not absolute");
        Browser([("BROWSER", "firefox"), ("PATH", ".")]).State.ShouldBe("bad", "a folder that is not absolute");
        Browser([("BROWSER", _cli.Write("notes", "text"))]).State.ShouldBe("bad", "a file that is no program");
        Browser([("BROWSER", "firefox"), ("PATH", folder), ("WSL_DISTRO_NAME", "Debian")]).Text.ShouldBe("firefox opens it.");
        Program("rundll32.exe");
        Browser([("DISPLAY", ":0"), ("PATH", folder), ("WSL_DISTRO_NAME", "Debian")]).Text.ShouldContain(": xdg-open cannot be run", customMessage: "this WSL runs no programs of Windows");
        Browser([("PATH", folder), ("WSL_DISTRO_NAME", "Debian"), ("WSL_INTEROP", "/run/WSL/1_interop")]).Text.ShouldBe("rundll32.exe opens it.");
    }

    [Fact]
    public void The_road_and_the_display_are_told()
    {
        Checked([("SSH_TTY", "/dev/pts/0")], "sign-in").Text.ShouldBe("login prints an address for a browser elsewhere, since this is an SSH session.");
        Checked([("DISPLAY", ":7")], "sign-in").Text.ShouldBe("login opens a browser, since a browser can be opened here.");
        Checked([("DISPLAY", ":7")], "display").Text.ShouldBe("DISPLAY is :7.");
        Checked([], "display").Text.ShouldBe("Neither DISPLAY nor WAYLAND_DISPLAY is set.");
    }

    [Fact]
    public void A_proxy_is_named_without_its_password()
    {
        Checked([("https_proxy", "http://alice:secret@proxy.example.com:3128"), ("NO_PROXY", ".example.org")], "proxy").Text
            .ShouldBe("https_proxy leads through http://proxy.example.com:3128, except .example.org; this machine itself is reached without.");
        Checked([("HTTPS_PROXY", "proxy.example.com:3128")], "proxy").Text.ShouldStartWith("HTTPS_PROXY leads through http://proxy.example.com:3128;");
        Checked([("HTTPS_PROXY", "http://:3128")], "proxy").State.ShouldBe("bad");
    }

    [Fact]
    public void The_proxy_that_counts_is_the_one_that_is_told()
    {
        Checked([("HTTP_PROXY", "http://proxy.example.com:3128"), ("http_proxy", "http://proxy.example.com:3128")], "proxy").Text.ShouldBe("None is set.");
        Checked([("HTTPS_PROXY", "http://other.example.com"), ("https_proxy", "http://proxy.example.com"), ("ALL_PROXY", "http://other.example.com"), ("NO_PROXY", ".example.net"), ("no_proxy", ".example.org")], "proxy").Text
            .ShouldStartWith("https_proxy leads through http://proxy.example.com, except .example.org;");
        Checked([("ALL_PROXY", "http://other.example.com"), ("all_proxy", "http://proxy.example.com")], "proxy").Text.ShouldStartWith("all_proxy leads through http://proxy.example.com;");
    }

    [Fact]
    public void A_registered_port_that_is_taken_is_named()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var (taken, free) = (((IPEndPoint)other.LocalEndpoint).Port, TestServer.FreePort());
        var profile = new Profile { Name = "work", Issuer = "https://login.example.com", ClientId = "app", Scope = "openid", Ports = [taken, free] };
        var ports = Checkup([]).Run(profile).Where(finding => finding.Name == "port").ToList();
        ports.Select(finding => finding.Text).ShouldBe([$"{taken} is taken by another program.", $"{free} is free."]);
        ports[0].Remedy!.ShouldContain($"sport = :{taken}");
    }

    [Fact]
    public async Task A_key_that_is_not_there_is_named_with_its_remedy()
    {
        _cli.Environment["PROOFKEY_KEY_FILE"] = _cli.PathOf("missing.key");
        var outcome = await _cli.RunAsync("doctor");
        outcome.ExitCode.ShouldBe(1);
        outcome.Output.ShouldMatch(@"✗ store +Expected .*missing\.key");
    }

    [Fact]
    public async Task A_place_in_which_no_session_can_be_kept_is_found()
    {
        _cli.Environment["XDG_STATE_HOME"] = "/proc/nope";
        var outcome = await _cli.RunAsync("doctor");
        outcome.ExitCode.ShouldBe(1, outcome.ToString());
        outcome.Output.ShouldMatch("✗ store +Nothing can be kept in /proc/nope");
        _cli.Environment["PROOFKEY_SESSIONS"] = _cli.Write("file", "no folder");
        (await _cli.RunAsync("doctor")).Output.ShouldContain("✗ store");
        _cli.Environment["PROOFKEY_SESSIONS"] = _cli.PathOf("sessions/of/mine");
        (await _cli.RunAsync("doctor")).Output.ShouldContain("✓ store");
        Directory.Exists(_cli.PathOf("sessions")).ShouldBeFalse();
        Directory.EnumerateFileSystemEntries(_cli.PathOf(""), ".proofkey-doctor*").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_session_that_ends_meanwhile_leaves_its_folder_alone()
    {
        var (folder, passphrase) = (_cli.PathOf("state/proofkey/sessions/default"), _cli.PathOf("passphrase"));
        Directory.CreateDirectory(folder);
        var vault = _cli.Write("state/proofkey/sessions/default/default.vault", "");
        var settings = _cli.Write("state/proofkey/sessions/default/profile.json", """{"name":"default","issuer":"https://login.example.com","client_id":"app","scope":"openid"}""");
        await using (var made = _cli.StartAs("mkfifo", "-m", "600", passphrase)) (await made.EndAsync()).ExitCode.ShouldBe(0);
        (_cli.Environment["PROOFKEY_KEY_FILE"], _cli.Environment["PROOFKEY_PASSPHRASE_FILE"]) = (null, passphrase);
        await using var doctor = _cli.Start("doctor");
        // It opens once the doctor waits for the passphrase.
        await using (var pipe = new StreamWriter(passphrase))
        {
            File.Delete(vault);
            await pipe.WriteAsync("short\n");
        }
        (await doctor.EndAsync()).Output.ShouldContain("too short");
        File.Exists(settings).ShouldBeTrue();
    }

    [Theory]
    [InlineData("clock", "clock", "11 min behind the one of 127.0.0.1", "timedatectl")]
    [InlineData("issuer", "metadata", "names itself https://evil.example", "do not go on")]
    [InlineData("plain", "pkce", "does not promise S256", "no way down")]
    [InlineData("gzip", "metadata", "compressed without being asked", "compress only")]
    [InlineData("long", "metadata", "more than 64 KiB", "reads no more")]
    [InlineData("surrogate", "metadata", "has none", "authorization server runs there")]
    [InlineData("location", "metadata", "leads to nowhere", "follows no redirects")]
    [InlineData("endpoints", "endpoints", "would refuse the metadata: expected metadata with token_endpoint", "")]
    [InlineData("no sign-in", "endpoints", "would refuse the metadata: expected metadata with authorization_endpoint", "")]
    [InlineData("silent", "pkce", "do not say whether", "--accept-unadvertised-pkce")]
    [InlineData("page", "metadata", "has none", "authorization server runs there")]
    [InlineData("404", "metadata", "has none", "authorization server runs there")]
    [InlineData("503", "metadata", "/.well-known/openid-configuration answers 503", "Try again later")]
    [InlineData("429", "metadata", "answers 429", "Try again later")]
    [InlineData("403", "metadata", "answers 403", "on the way")]
    [InlineData("302", "metadata", "leads to https://sso.example.com/", "follows no redirects")]
    public async Task What_is_wrong_with_a_provider_is_named(string wrong, string check, string text, string remedy)
    {
        TestApi? provider = null;
        provider = await TestApi.StartAsync(context => AnswerAsync(context, provider!.Address, wrong));
        await using var running = provider;
        var outcome = await _cli.RunAsync("doctor", "--issuer", provider.Address, "--json");
        outcome.ExitCode.ShouldBe(wrong == "silent" ? 0 : 1, outcome.ToString());
        using var json = JsonDocument.Parse(outcome.Output);
        var finding = json.RootElement.EnumerateArray().Single(finding => finding.GetProperty("name").GetString() == check);
        finding.GetProperty("state").GetString().ShouldBe(wrong == "silent" ? "warning" : "bad");
        finding.GetProperty("text").GetString()!.ShouldContain(text);
        finding.GetProperty("remedy").GetString()!.ShouldContain(remedy);
    }

    [Fact]
    public async Task A_name_of_a_character_set_that_there_is_not_is_passed_over()
    {
        TestApi? provider = null;
        provider = await TestApi.StartAsync(context => AnswerAsync(context, provider!.Address, "charset"));
        await using var running = provider;
        (await _cli.OutputOfAsync("doctor", "--issuer", provider.Address)).ShouldContain("✓ metadata");
    }

    [Fact]
    public async Task A_certificate_that_nobody_trusts_and_a_server_that_is_away_are_two_things()
    {
        await using var provider = await TestApi.StartAsync(context => context.Response.WriteAsync("{}"), isHttps: true);
        (await _cli.RunAsync("doctor", "--issuer", provider.Address)).Output.ShouldContain("certificate is not trusted here");
        (await _cli.RunAsync("doctor", "--issuer", $"http://127.0.0.1:{TestServer.FreePort()}")).Output.ShouldContain("(ConnectionError)");
    }

    private static Task AnswerAsync(HttpContext context, string issuer, string wrong)
    {
        if (wrong == "clock") context.Response.Headers.Date = (TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(11)).ToString("R", CultureInfo.InvariantCulture);
        if (wrong == "charset") context.Response.ContentType = "application/json; charset=utf8";
        if (wrong == "location") (context.Response.StatusCode, context.Response.Headers.Location) = (302, "//[");
        if (wrong == "gzip") context.Response.Headers.ContentEncoding = "gzip";
        if (wrong == "long") return context.Response.WriteAsync(new string(' ', 70_000));
        if (wrong == "surrogate") return context.Response.WriteAsync("""{"issuer":"\ud800"}""");
        if (wrong == "302") context.Response.Headers.Location = "https://sso.example.com/";
        if (int.TryParse(wrong, out var status))
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        }
        if (wrong == "page") return context.Response.WriteAsync("<h1>Welcome</h1>");
        var methods = wrong switch { "plain" => ""","code_challenge_methods_supported":["plain"]""", "silent" => "", _ => ""","code_challenge_methods_supported":["S256"]""" };
        var endpoints = string.Concat(((string[])["authorization_endpoint", "token_endpoint", "jwks_uri"]).Where(name => name != wrong switch { "endpoints" => "token_endpoint", "no sign-in" => "authorization_endpoint", _ => "" }).Select(name => $",\"{name}\":\"{issuer}/{name}\""));
        context.Response.ContentType ??= "application/json";
        return context.Response.WriteAsync($$"""{"issuer":"{{(wrong == "issuer" ? "https://evil.example" : issuer)}}"{{methods}}{{endpoints}}}""");
    }

    private string Program(string name)
    {
        File.SetUnixFileMode(_cli.Write(name, "#!/bin/sh\n"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return _cli.PathOf(name);
    }

    private Finding Browser((string, string)[] variables) => Checked(variables, "browser");

    private Finding Checked((string, string)[] variables, string name) => Checkup(variables).Run(profile: null).Single(finding => finding.Name == name);

    private MachineCheckup Checkup((string Name, string Value)[] variables)
    {
        var set = variables.ToDictionary(variable => variable.Name, variable => variable.Value);
        // Nothing of this machine, which may be a container
        return new MachineCheckup(new MachineFacts(SystemKind.Linux, set.GetValueOrDefault, path => path.StartsWith(_cli.PathOf(""), StringComparison.Ordinal) && File.Exists(path), _ => "", HasScreen: false));
    }
}

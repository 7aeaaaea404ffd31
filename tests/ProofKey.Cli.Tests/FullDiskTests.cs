using System.Text.Json;
using ProofKey.Cli.Demo;

namespace ProofKey.Cli.Tests;

/// <summary>A disk that is full, which is a small one in memory that the program has for itself.</summary>
public sealed class FullDiskTests : IDisposable
{
    private readonly Cli _cli = new();
    private readonly string _disk;
    private string _client = "";

    public FullDiskTests() => _disk = Directory.CreateDirectory(_cli.PathOf("disk")).FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task A_server_on_a_full_disk_says_so_goes_on_reading_and_has_lost_nothing_once_there_is_space()
    {
        var issuer = $"http://127.0.0.1:{TestServer.FreePort()}";
        await using var serving = await ServeOnDiskAsync(issuer);
        await SignInAsync(issuer);
        var refreshToken = await RefreshTokenAsync();
        var filler = await FillAsync(serving);

        var (status, body) = await RefreshAsync(issuer, refreshToken);
        status.ShouldBe(503);
        body.GetProperty("error").GetString().ShouldBe("temporarily_unavailable");
        body.GetProperty("error_description").GetString().ShouldNotBeNullOrEmpty();
        await serving.UntilAsync(new("The disk that holds the database is full.*free some space"));
        using (var person = new ScriptedPerson("alice", TestServer.Password))
            (await Should.ThrowAsync<CommandException>(() => person.AnswerAsync(Request(issuer), Cancellation))).Message.ShouldContain("503");
        (await _cli.OutputOfAsync("whoami")).ShouldContain("alice");

        File.Delete(filler);
        (await RefreshAsync(issuer, refreshToken)).Status.ShouldBe(200);
        serving.AskToStop();
        (await serving.EndAsync()).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task A_data_folder_on_a_full_disk_is_reported_with_the_remedy()
    {
        await using var listing = Start("mount -t tmpfs -o size=64k tmpfs \"$0\" && head -c 65536 /dev/zero > \"$0/filler\"; exec \"$1\" database migrate --data \"$0/data\"", _disk, _cli.Program);
        (await listing.EndAsync()).ShouldBeFailure(1, "No space left", "--data DIR");
    }

    [Fact]
    public async Task A_database_on_a_full_disk_is_reported_with_the_remedy()
    {
        await _cli.OutputOfAsync("database", "migrate", "--data", _cli.Data);
        await using var adding = Start(
            "mount -t tmpfs -o size=256k tmpfs \"$0\" && cp -a \"$2\"/. \"$0\" && head -c 262144 /dev/zero > \"$0/filler\"; exec \"$1\" client add App --public --redirect-uri http://127.0.0.1/callback --data \"$0\"",
            _disk, _cli.Program, _cli.Data);
        var outcome = await adding.EndAsync();
        outcome.ShouldBeFailure(1, "The disk that holds the database is full", "free some space");
    }

    [Fact]
    public async Task A_session_that_does_not_fit_on_the_disk_is_said_before_anybody_signs_in()
    {
        await using var server = await TestServer.StartAsync(_cli);
        await using var login = Start(
            "mount -t tmpfs -o size=64k tmpfs \"$0\" && head -c 65536 /dev/zero > \"$0/filler\"; PROOFKEY_SESSIONS=\"$0/sessions\" exec \"$1\" login \"$2\" --client-id \"$3\" --no-browser",
            _disk, _cli.Program, server.Issuer, await server.AddClientAsync());
        var outcome = await login.EndAsync();
        outcome.ShouldBeFailure(8, "No space left", "free space");
        outcome.Errors.ShouldNotContain("Go to:");
    }

    // With alice and a client on it, as they were on another disk before.
    private async Task<RunningCli> ServeOnDiskAsync(string issuer)
    {
        (await _cli.RunWithAsync(TestServer.Password, "user", "add", "alice", "--password-stdin", "--data", _cli.Data)).ExitCode.ShouldBe(0);
        _client = await _cli.OutputOfAsync("client", "add", "Terminal", "--public", "--redirect-uri", "http://127.0.0.1/callback", "--data", _cli.Data);
        var serving = Start("mount -t tmpfs -o size=2048k tmpfs \"$0\" && cp -a \"$2\"/. \"$0\" && exec \"$1\" serve --urls \"$3\" --data \"$0\"", _disk, _cli.Program, _cli.Data, issuer);
        await serving.UntilAsync(TestServer.Listening());
        return serving;
    }

    // A name space of its own, which needs no privileges where the system lets users have one.
    private RunningCli Start(string script, params string[] arguments) =>
        _cli.StartAs(["unshare", .. Environment.IsPrivilegedProcess ? [] : new[] { "--user", "--map-root-user" }, "--mount", "sh", "-c", script, .. arguments]);

    private async Task SignInAsync(string issuer)
    {
        await using var login = _cli.Start("login", issuer, "--client-id", _client, "--no-browser");
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        (await login.EndAsync()).ExitCode.ShouldBe(0);
    }

    private async Task<string> RefreshTokenAsync() => (await _cli.SessionOfAsync()).RefreshToken!;

    private async Task<string> FillAsync(RunningCli serving)
    {
        var filler = $"/proc/{serving.Id}/root{_disk}/filler";
        await using var file = new FileStream(filler, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[4096];
        Should.Throw<IOException>(() =>
        {
            while (true) file.Write(block);
        });
        return filler;
    }

    private async Task<(int Status, JsonElement Body)> RefreshAsync(string issuer, string refreshToken)
    {
        using var http = new HttpClient();
        using var form = new FormUrlEncodedContent([new("grant_type", "refresh_token"), new("refresh_token", refreshToken), new("client_id", _client)]);
        using var answer = await http.PostAsync(new Uri($"{issuer}/token"), form, Cancellation);
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
        return ((int)answer.StatusCode, body.RootElement.Clone());
    }

    private Uri Request(string issuer) => new(
        $"{issuer}/authorize?response_type=code&client_id={_client}&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&scope=openid&state=x&code_challenge={CodeVerifier.New().Challenge}&code_challenge_method=S256");
}

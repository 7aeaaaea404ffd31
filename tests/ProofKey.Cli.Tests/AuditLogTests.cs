using System.Text.Json;
using System.Text.RegularExpressions;
using ProofKey.Cli.Hosting;

namespace ProofKey.Cli.Tests;

/// <summary><c>audit-log</c>: filters, lines, and following what happens.</summary>
public sealed class AuditLogTests : IDisposable
{
    private readonly Cli _cli = new();

    public AuditLogTests() => _cli.Environment["PROOFKEY_DATA"] = _cli.Data;

    public void Dispose() => _cli.Dispose();

    private Task<Outcome> AddUserAsync(string name) => _cli.RunWithAsync("correct horse battery staple\n", "user", "add", name, "--password-stdin");

    private Task<string> AddClientAsync(string name) => _cli.OutputOfAsync("client", "add", name, "--public", "--redirect-uri", "http://127.0.0.1/callback");

    [Fact]
    [Assertion("UI-22")]
    public async Task Each_line_is_one_event_and_filters_narrow_them()
    {
        await AddUserAsync("alice");
        await AddUserAsync("bob");
        var client = await AddClientAsync("My app");
        var lines = (await _cli.OutputOfAsync("audit-log", "--json")).Split('\n').Select(line => JsonDocument.Parse(line).RootElement).ToList();
        lines.Select(line => line.GetProperty("kind").GetString()).ShouldBe(["user-added", "user-added", "client-added"]);
        lines[2].EnumerateObject().Select(member => member.Name).ShouldBe(["id", "at", "kind", "client_id", "count", "detail"]);
        lines[0].GetProperty("user").GetString().ShouldBe("alice");

        (await _cli.OutputOfAsync("audit-log", "--client", client, "--json")).Split('\n').ShouldHaveSingleItem().ShouldContain("client-added");
        (await _cli.OutputOfAsync("audit-log", "--user", "bob", "--kind", "user-added", "--json")).Split('\n').ShouldHaveSingleItem().ShouldContain("bob");
        (await _cli.OutputOfAsync("audit-log", "--subject", lines[0].GetProperty("sub").GetString()!, "--json")).Split('\n').ShouldHaveSingleItem().ShouldContain("alice");
        (await _cli.OutputOfAsync("audit-log", "--until", "1h", "--json")).ShouldBeEmpty();
        (await _cli.OutputOfAsync("audit-log", "--since", "2020-01-01", "--until", "2020-01-02T00:00:00Z")).ShouldStartWith("time");
        var table = await _cli.OutputOfAsync("audit-log", "--since", "90m");
        table.ShouldContain("kind");
        table.ShouldContain("My app");
    }

    [Fact]
    [Assertion("UI-21")]
    public async Task What_others_wrote_cannot_steer_the_terminal()
    {
        await AddClientAsync("Evil \u202E app \u200B");
        var table = await _cli.OutputOfAsync("audit-log");
        table.ShouldContain("Evil ? app ?");
        (await _cli.OutputOfAsync("audit-log", "--json")).ShouldContain("\\u202E");
    }

    [Theory]
    [InlineData("--since", "yesterday")]
    [InlineData("--until", "5")]
    [InlineData("--since", "2026-13-01")]
    [InlineData("--since", "99999999999h")]
    public async Task A_time_that_is_none_is_wrong_usage(string option, string time)
    {
        var outcome = await _cli.RunAsync("audit-log", option, time);
        outcome.ExitCode.ShouldBe(2, outcome.ToString());
        outcome.Errors.ShouldContain("24h");
    }

    [Fact]
    public async Task Nobody_of_that_name_and_contradictions_are_named()
    {
        await _cli.OutputOfAsync("database", "migrate");
        (await _cli.RunAsync("audit-log", "--user", "nobody")).ExitCode.ShouldBe(1);
        (await _cli.RunAsync("audit-log", "--user", "a", "--subject", "b")).ExitCode.ShouldBe(2);
        (await _cli.RunAsync("audit-log", "--follow", "--until", "1h")).ExitCode.ShouldBe(2);
    }

    [Fact]
    public async Task Following_shows_what_happens_until_it_is_stopped()
    {
        await AddUserAsync("alice");
        await using var following = _cli.Start("audit-log", "--follow", "--json");
        await following.OutputUntilAsync(new Regex("alice"));
        await AddClientAsync("Later app");
        await following.OutputUntilAsync(new Regex("Later app"));
        following.PressControlC();
        var outcome = await following.EndAsync();
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(2, "each event comes once");
    }

    [Fact]
    public async Task An_empty_trail_is_followed_from_any_time_on()
    {
        await _cli.OutputOfAsync("database", "migrate");
        await using var following = _cli.Start("audit-log", "--follow", "--json", "--since", "0001-01-01");
        await AddClientAsync("My app");
        await following.OutputUntilAsync(new Regex("My app"));
    }

    [Fact]
    [Assertion("RT-18")]
    public async Task Following_shows_what_waited_for_a_minute_before_it_was_written()
    {
        await AddUserAsync("alice");
        await using var following = _cli.Start("audit-log", "--follow", "--json");
        await following.OutputUntilAsync(new Regex("alice"));
        await using (var source = DataFolder.SourceOf(Path.Combine(_cli.Data, "proofkey.db")))
        {
            var at = TimeProvider.System.GetUtcNow().AddMinutes(-1).ToUnixTimeMilliseconds();
            await using var late = source.CreateCommand($"insert into audit_event (id, at, kind, count) values (randomblob(16), {at}, 'grant-revoked', 1)");
            await late.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
        await following.OutputUntilAsync(new Regex("grant-revoked"));
    }
}

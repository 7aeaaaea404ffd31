using System.Text.Json;

namespace ProofKey.Cli.Tests;

/// <summary><c>key list</c> and <c>key rotate</c>, beside a server that runs.</summary>
public sealed class KeyVerbTests : IDisposable
{
    private readonly Cli _cli = new();

    public KeyVerbTests() => _cli.Environment["PROOFKEY_DATA"] = _cli.Data;

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task The_keys_are_listed_without_anything_secret()
    {
        await StartOnceAsync();
        using var json = JsonDocument.Parse(await _cli.OutputOfAsync("key", "list", "--json"));
        var keys = json.RootElement.EnumerateArray().ToList();
        keys.Select(key => $"{key.GetProperty("purpose")} {key.GetProperty("algorithm")} {key.GetProperty("state")}").Order()
            .ShouldBe(["seal A256GCM current", "sign ES256 current", "sign RS256 current"]);
        foreach (var key in keys) key.EnumerateObject().Select(member => member.Name).ShouldBe(["kid", "purpose", "algorithm", "state", "created_at", "not_before"]);
        (await _cli.OutputOfAsync("key", "list")).ShouldContain(keys[0].GetProperty("kid").GetString()!);
    }

    [Fact]
    [Assertion("MD-08")]
    public async Task Rotating_makes_successors_for_the_next_day_and_now_uses_them_at_once()
    {
        await StartOnceAsync();
        var rotated = await _cli.RunAsync("key", "rotate", "--json");
        rotated.ExitCode.ShouldBe(0, rotated.ToString());
        rotated.Errors.ShouldContain("published within 15 seconds");
        States(rotated.Output).ShouldBe(["seal current", "sign current", "sign current", "sign next", "sign next"]);
        var atOnce = await _cli.RunAsync("key", "rotate", "--now", "--json");
        atOnce.Errors.ShouldContain("refuse new tokens until they fetch them again");
        States(atOnce.Output).ShouldBe(["seal current", "sign current", "sign current", "sign retiring", "sign retiring"]);
    }

    [Fact]
    [Assertion("RT-08")]
    public async Task Revoking_all_asks_first_and_then_replaces_every_key()
    {
        await StartOnceAsync();
        var before = await KeyIdsAsync();
        (await _cli.RunAsync("key", "rotate", "--revoke-all")).ShouldBeFailure(2, "no terminal to ask", "--yes");
        (await _cli.RunAsync("key", "rotate", "--revoke-all", "--now", "--yes")).ShouldBeFailure(2, "at once in any case", "--now");
        await using (var asked = _cli.StartOnTerminal("key rotate --revoke-all"))
        {
            await asked.UntilAsync(new("Type yes to go on: "));
            await asked.TypeAsync("no\r");
            (await asked.EndAsync()).ExitCode.ShouldBe(9);
        }
        (await KeyIdsAsync()).ShouldBe(before);
        await using (var asked = _cli.StartOnTerminal("key rotate --revoke-all"))
        {
            await asked.UntilAsync(new("Type yes to go on: "));
            await asked.TypeAsync("yes\r");
            (await asked.EndAsync()).ExitCode.ShouldBe(0);
        }
        var after = await KeyIdsAsync();
        after.Count.ShouldBe(3);
        after.Intersect(before).ShouldBeEmpty();
        (await _cli.OutputOfAsync("key", "rotate", "--revoke-all", "--yes")).ShouldContain("current");
        (await KeyIdsAsync()).Intersect(after).ShouldBeEmpty();
    }

    private async Task StartOnceAsync()
    {
        await using var server = await TestServer.StartAsync(_cli);
        (await server.StopAsync()).ExitCode.ShouldBe(0);
    }

    private async Task<List<string>> KeyIdsAsync()
    {
        using var json = JsonDocument.Parse(await _cli.OutputOfAsync("key", "list", "--json"));
        return [.. json.RootElement.EnumerateArray().Select(key => key.GetProperty("kid").GetString()!)];
    }

    private static IEnumerable<string> States(string output)
    {
        using var json = JsonDocument.Parse(output);
        return [.. json.RootElement.EnumerateArray().Select(key => $"{key.GetProperty("purpose")} {key.GetProperty("state")}").Order()];
    }
}

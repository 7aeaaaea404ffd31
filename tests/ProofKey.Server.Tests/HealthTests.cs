using System.Net;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Whether the process lives and whether it can serve.</summary>
public sealed class HealthTests
{
    [Fact]
    public async Task A_server_without_its_database_lives_and_is_not_ready()
    {
        await using var server = await RunningServer.StartAsync();
        using var person = server.NewPerson();
        async Task<(HttpStatusCode Status, string Body)> GetAsync(string path)
        {
            var answer = await person.GetOnceAsync(path, ("Origin", "https://app.example"));
            answer.Header("Cache-Control").ShouldBe("no-store");
            answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }

        (await GetAsync("/healthz")).ShouldBe((HttpStatusCode.OK, """{"status":"ok"}"""));
        (await GetAsync("/readyz")).ShouldBe((HttpStatusCode.OK, """{"status":"ready","database":true,"keys":true}"""));
        await server.Service<Database>().WriteAsync($"alter table schema_version rename to gone");
        (await GetAsync("/healthz")).Status.ShouldBe(HttpStatusCode.OK);
        (await GetAsync("/readyz")).ShouldBe((HttpStatusCode.ServiceUnavailable, """{"status":"not ready","database":false,"keys":true}"""));
    }
}

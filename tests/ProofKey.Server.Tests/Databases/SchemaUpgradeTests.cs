using System.Net;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Accounts;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;
using ProofKey.Tests.PostgreSql;

namespace ProofKey.Server.Tests.Databases;

/// <summary>Makes the fixture of the present version, when that is asked for.</summary>
public sealed class SchemaFixtures : IAsyncLifetime
{
    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("PROOFKEY_ACCEPT_SCHEMA") == "1") await SchemaFixture.MakeAsync();
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>The newest program opens what each released one left, and nobody notices.</summary>
public sealed class SchemaUpgradeTests : IClassFixture<SchemaFixtures>
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });

    public static TheoryData<int, string> Released
    {
        get
        {
            var released = new TheoryData<int, string>();
            foreach (var version in SchemaFixture.Versions)
                foreach (var database in (string[])["SQLite", "PostgreSQL"]) released.Add(version, database);
            return released;
        }
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Released))]
    public async Task What_people_and_clients_held_is_good_in_the_newest_program(int version, string database)
    {
        var fixture = SchemaFixture.Read(version);
        using var folder = new StorageFolder();
        var place = await PlaceOfAsync(fixture, database, folder.Path);
        var time = new ManualTime(fixture.MadeAt.AddSeconds(20)) { RunsTimers = false };
        await using var server = await RunningServer.StartAsync(folder.Path, time: time, serve: settings => settings with { Data = place, Issuer = fixture.Issuer });
        var at = new Uri(server.Settings.Urls[0]);
        (await server.Service<Database>().FindAsync($"select max(version) from schema_version", row => row.GetInt64(0).ToString(), Cancellation)).ShouldBe($"{Schema.NewestVersion}");

        // The code and the tokens, sealed and signed by the keys in the table.
        (await PostAsync(at, [("grant_type", "authorization_code"), ("client_id", fixture.ClientId), ("code", fixture.Code), ("redirect_uri", fixture.RedirectUri), ("code_verifier", fixture.Verifier)])).Status.ShouldBe(HttpStatusCode.OK);
        (await GetAsync(at, "/userinfo", ("Authorization", $"Bearer {fixture.AccessToken}"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        var refreshed = await PostAsync(at, Refresh(fixture, fixture.RefreshToken));
        refreshed.Status.ShouldBe(HttpStatusCode.OK, refreshed.Body.ToString());
        time.Advance(TimeSpan.FromSeconds(11));
        (await PostAsync(at, Refresh(fixture, refreshed.Text("refresh_token")))).Status.ShouldBe(HttpStatusCode.OK);

        // The session in the browser, and the password for the next one.
        var answer = await GetAsync(at, AuthorizePath(fixture), ("Cookie", fixture.Cookie));
        answer.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        answer.Headers.Location!.OriginalString.ShouldContain("code=");
        (await server.Service<PasswordSignIn>().TryAsync(RunningServer.UserName, RunningServer.Password, _ => false, Cancellation))!.Account.ShouldNotBeNull();
    }

    [Fact]
    public void Each_version_but_the_newest_has_its_fixture() => SchemaFixture.Versions.Where(version => version < Schema.NewestVersion).ShouldBe(Enumerable.Range(2, Schema.NewestVersion - 2));

    private static async Task<DataPlace> PlaceOfAsync(SchemaFixture fixture, string database, string folder)
    {
        if (database == DatabaseDialect.PostgreSql.Name)
        {
            var connectionString = await PostgreSqlCluster.NewDatabaseAsync();
            await PostgreSqlCluster.RunAsync(connectionString, fixture.Sql(DatabaseDialect.PostgreSql));
            return PostgreSqlPlace.Of(connectionString, SchemaFixture.RootKey);
        }
        SqliteLibrary.Load();
        await using (var connection = await StorageFolder.OpenAsync(folder))
        {
            await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // the text is a file of ours
            command.CommandText = fixture.Sql(DatabaseDialect.Sqlite);
#pragma warning restore CA2100
            await command.ExecuteNonQueryAsync(Cancellation);
        }
        // The server that starts looks for a root key beside the database before it is told of this one.
        await File.WriteAllBytesAsync(Path.Combine(folder, "root.key"), SchemaFixture.RootKey, Cancellation);
        return DataFolder.Open(folder, SchemaFixture.RootKey);
    }

    private static (string, string)[] Refresh(SchemaFixture fixture, string token) => [("grant_type", "refresh_token"), ("client_id", fixture.ClientId), ("refresh_token", token)];

    private static string AuthorizePath(SchemaFixture fixture) => "/authorize?" + Parameters.Of(
    [
        new("response_type", "code"), new("client_id", fixture.ClientId), new("redirect_uri", fixture.RedirectUri), new("scope", "openid"), new("state", "state"), new("nonce", "nonce"),
        new("code_challenge", CodeVerifier.New().Challenge.ToString()), new("code_challenge_method", "S256"),
    ]).ToQuery();

    private static async Task<JsonAnswer> PostAsync(Uri at, (string Name, string Value)[] fields)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(at, "/token")) { Content = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))) };
        return await TokenCalls.SendAsync(request);
    }

    private static async Task<HttpResponseMessage> GetAsync(Uri at, string path, (string Name, string Value) header)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(at, path));
        request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        return await Http.SendAsync(request, Cancellation);
    }
}

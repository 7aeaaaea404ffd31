using System.Data.Common;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>When the database cannot be written, nothing is handed out, nothing is lost, and it goes on afterwards.</summary>
public sealed class StorageFailureTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Fact]
    [Assertion("TK-21")]
    [Assertion("RT-12")]
    public async Task While_another_process_holds_the_lock_every_write_is_refused_and_later_done()
    {
        var code = await at.CodeAsync();
        var first = (await at.TokensAsync("openid offline_access")).Text("refresh_token");
        var second = await at.NextAsync(first);
        at.Server.Time.Advance(TimeSpan.FromSeconds(11));
        var third = await at.RefreshAsync(second);
        var current = third.Text("refresh_token");
        at.Server.Time.Advance(TimeSpan.FromSeconds(11));

        await using (var other = await StorageFolder.OpenAsync(at.Server.Folder))
        {
            await using var locked = other.BeginTransaction(deferred: false);
            var refused = await Task.WhenAll(at.RedeemAsync(code), at.RefreshAsync(current), at.RefreshAsync(first), at.Server.RevokeAsync(at.Client, current));
            foreach (var answer in refused)
            {
                (answer.Status, answer.Error).ShouldBe((HttpStatusCode.ServiceUnavailable, "temporarily_unavailable"));
                answer.Response.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(2));
                answer.Body.TryGetProperty("access_token", out _).ShouldBeFalse();
            }
            (await at.LivesAsync(third.Text("access_token"))).ShouldBeTrue("what only reads goes on");
        }

        (await at.RefreshAsync(current)).Status.ShouldBe(HttpStatusCode.OK, "a refusal that could not be written down revoked nothing");
        (await at.RefreshAsync(first)).Error.ShouldBe("invalid_grant");
        (await at.RefreshAsync(current)).Error.ShouldBe("invalid_grant", "and now the ancestor has revoked the grant");
        (await at.RedeemAsync(code)).Status.ShouldBe(HttpStatusCode.OK);
        (await at.RedeemAsync(code)).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("TK-21")]
    public async Task A_full_database_refuses_what_it_cannot_keep_and_goes_on_when_there_is_room()
    {
        using var folder = new StorageFolder();
        await using var source = new BoundedDataSource(System.IO.Path.Combine(folder.Path, "proofkey.db"));
        await using var app = await StartAsync(source);
        var issuer = app.Urls.Single();
        var registry = app.Services.GetService(typeof(Registry)).ShouldBeOfType<Registry>();
        source.MaxPages = await source.PagesAsync();

        DatabaseException? full = null;
        var added = 0;
        while (full is null)
        {
            try
            {
                await registry.AddClientAsync(new ClientRegistration { Name = new string('n', 100), IsPublic = true, RedirectUris = ["https://app.example/" + new string('p', 400)] });
                added.ShouldBeLessThan(200, "a bounded database is full some time");
                added++;
            }
            catch (DatabaseException exception)
            {
                full = exception;
            }
        }
        full.Failure.ShouldBe(DatabaseFailure.Full);
        full.Message.ShouldContain("free some space");
        (await registry.ListClientsAsync(TestContext.Current.CancellationToken)).Count.ShouldBe(added, "what was answered is there, what was refused is not");
        using var http = new HttpClient();
        (await http.GetAsync(new Uri(issuer + "/jwks"), TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.OK);

        source.MaxPages = 100_000;
        await registry.AddClientAsync(new ClientRegistration { Name = "Room again", IsPublic = true, RedirectUris = ["https://app.example/"] });
        (await registry.ListClientsAsync(TestContext.Current.CancellationToken)).Count.ShouldBe(added + 1);
    }

    [Fact]
    public async Task A_database_that_cannot_be_written_says_so()
    {
        using var folder = new StorageFolder();
        await (await RunningServer.StartAsync(folder.Path)).DisposeAsync();
        var settings = new SqliteConnectionStringBuilder { DataSource = System.IO.Path.Combine(folder.Path, "proofkey.db"), Mode = SqliteOpenMode.ReadOnly, Pooling = false };
        await using var database = new Database(SqliteFactory.Instance.CreateDataSource(settings.ConnectionString), DatabaseDialect.Sqlite);
        (await database.FindAsync($"select name from account limit 1", reader => reader.GetString(0), TestContext.Current.CancellationToken)).ShouldBe(RunningServer.UserName);
        var refused = await Should.ThrowAsync<DatabaseException>(async () => await database.WriteAsync($"update account set epoch = epoch + 1"));
        (refused.Failure, refused.Message).ShouldBe((DatabaseFailure.ReadOnly, "The database cannot be opened for writing; check the folder's owner, mode and path."));
    }

    [Fact]
    public async Task A_folder_that_is_not_there_says_so()
    {
        var settings = new SqliteConnectionStringBuilder { DataSource = System.IO.Path.Combine(at.Server.Folder, "nowhere", "proofkey.db"), Pooling = false };
        await using var database = new Database(SqliteFactory.Instance.CreateDataSource(settings.ConnectionString), DatabaseDialect.Sqlite);
        (await Should.ThrowAsync<DatabaseException>(async () => await database.WriteAsync($"delete from account"))).Failure.ShouldBe(DatabaseFailure.ReadOnly);
        (await Should.ThrowAsync<DatabaseException>(async () => await database.FindAsync($"select 1", reader => "x", CancellationToken.None))).Failure.ShouldBe(DatabaseFailure.ReadOnly);
    }

    private static async Task<WebApplication> StartAsync(DbDataSource source)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddProofKeyServer(options =>
        {
            options.IssuerAddress = "http://127.0.0.1";
            options.DataSource = source;
            options.RootKey = Secret.NewBytes(32);
        });
        var app = builder.Build();
        app.MapProofKeyServer();
        await app.StartAsync();
        return app;
    }

    /// <summary>A database that may not grow beyond a number of pages, as if its disk were full.</summary>
    private sealed class BoundedDataSource(string file) : DbDataSource
    {
        public long MaxPages { get; set; } = 100_000;

        public override string ConnectionString { get; } = new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ConnectionString;

        public async Task<long> PagesAsync()
        {
            await using var connection = await OpenConnectionAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = "pragma page_count";
            return (long)(await command.ExecuteScalarAsync())! + 2;
        }

        protected override DbConnection CreateDbConnection()
        {
            var connection = new SqliteConnection(ConnectionString);
            connection.StateChange += (_, change) =>
            {
                if (change.CurrentState == System.Data.ConnectionState.Open) Bound(connection);
            };
            return connection;
        }

        private void Bound(SqliteConnection connection)
        {
            using var command = connection.CreateCommand();
#pragma warning disable CA2100 // a number
            command.CommandText = $"pragma max_page_count = {MaxPages}";
#pragma warning restore CA2100
            command.ExecuteNonQuery();
        }
    }
}

using Npgsql;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;
using ProofKey.Tests.PostgreSql;

namespace ProofKey.Server.Tests.Databases;

/// <summary>Writes about grants share a round trip on PostgreSQL, and each caller still gets an answer of their own.</summary>
public sealed class GroupCommitTests(PostgreSqlWorld at) : IClassFixture<PostgreSqlWorld>
{
    private static readonly RotationPolicy Strict = new(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromDays(14));

    [Fact]
    [Assertion("TK-21")]
    public async Task Writes_that_wait_together_share_a_commit()
    {
        var signIn = await at.NewSignInAsync();
        var grants = Enumerable.Range(0, 16).Select(_ => at.NewGrant(signIn.Account, signIn.Client, signIn.Session)).ToList();
        List<Task<bool>> writes;
        await using (await LockedAsync())
        {
            writes = grants.ConvertAll(grant => at.One.Grants.RedeemAsync(grant).AsTask());
            await WaitingAsync(1);
        }
        (await Task.WhenAll(writes)).ShouldAllBe(won => won);
        (await TransactionsAsync(signIn)).ShouldBeLessThanOrEqualTo(3, "one for each of the two that began, and one for all who waited");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Assertion("TK-21")]
    public async Task Of_16_writes_one_that_cannot_be_kept_fails_alone(bool driverSeparates)
    {
        var separated = 0;
        var dialect = DatabaseDialect.PostgreSql.WithSeparateStatements(batch =>
        {
            separated = batch.BatchCommands.Count;
            ((NpgsqlBatch)batch).EnableErrorBarriers = true;
        });
        await using var database = new Database(at.Place.CreateDataSource(), driverSeparates ? dialect : DatabaseDialect.PostgreSql);
        var store = new GrantStore(database, at.One.Of<AccountSource>());
        var signIn = await at.NewSignInAsync();
        var grants = Enumerable.Range(0, 16).Select(_ => at.NewGrant(signIn.Account, signIn.Client, signIn.Session)).ToList();
        grants[7] = grants[7] with { Amr = null! };
        List<Task<bool>> writes;
        await using (await LockedAsync())
        {
            writes = grants.ConvertAll(grant => store.RedeemAsync(grant).AsTask());
            await WaitingAsync(1);
        }
        (await Should.ThrowAsync<DatabaseException>(writes[7])).Failure.ShouldBe(DatabaseFailure.Statement);
        writes.RemoveAt(7);
        (await Task.WhenAll(writes)).ShouldAllBe(won => won);
        (await at.One.Grants.ListAsync(signIn.Account.Subject, null, CancellationToken.None)).Count.ShouldBe(15);
        // How many went with it is up to the scheduler: at least some of the fifteen.
        (await TransactionsAsync(signIn)).ShouldBeGreaterThan(4, "those that went with it had each a transaction of its own in the end");
        separated.ShouldBeGreaterThan(driverSeparates ? 4 : -1);
    }

    [Fact]
    [Assertion("TK-21")]
    public async Task What_belongs_to_a_write_goes_with_it_or_neither_is_there()
    {
        var signIn = await at.NewSignInAsync();
        var grants = Enumerable.Range(0, 8).Select(_ => at.NewGrant(signIn.Account, signIn.Client, signIn.Session)).ToList();
        foreach (var grant in grants) await at.One.Grants.RedeemAsync(grant);
        List<Task<bool>> writes;
        await using (await LockedAsync())
        {
            // Text with a zero is none to PostgreSQL: the event cannot be written, so the grant lives.
            writes = grants.ConvertAll(grant => at.One.Grants.RevokeAsync(grant.Id, at.Now, new AuditEvent("batch-revoked") { Subject = signIn.Account.Subject, Detail = grant == grants[3] ? "\0" : null }).AsTask());
            await WaitingAsync(1);
        }
        (await Should.ThrowAsync<DatabaseException>(writes[3])).Failure.ShouldBe(DatabaseFailure.Statement);
        writes.RemoveAt(3);
        (await Task.WhenAll(writes)).ShouldAllBe(won => won);
        (await at.One.Grants.ListAsync(signIn.Account.Subject, null, CancellationToken.None)).Where(grant => grant.RevokedAt is null).ShouldHaveSingleItem().Id.ShouldBe(grants[3].Id);
        (await at.One.Of<AuditTrail>().ListAsync(new AuditFilter { Kind = "batch-revoked", Subject = signIn.Account.Subject }, null, CancellationToken.None)).Count.ShouldBe(7);
    }

    [Fact]
    [Assertion("TK-21")]
    public async Task A_lock_on_one_row_holds_up_nobody_behind_it_and_fails_the_write_of_that_row_alone()
    {
        var signIn = await at.NewSignInAsync();
        (await at.One.Grants.RedeemAsync(signIn.Grant)).ShouldBeTrue();
        var others = Enumerable.Range(0, 15).Select(_ => at.NewGrant(signIn.Account, signIn.Client, signIn.Session)).ToList();
        await using var connection = new NpgsqlConnection(at.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var begin = new NpgsqlCommand("begin", connection);
        await begin.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await using var hold = new NpgsqlCommand("select 1 from authorization_grant where id = $1 for update", connection) { Parameters = { new() { Value = signIn.Grant.Id } } };
        await hold.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        var held = RotateAsync(at.One, signIn, 1);
        var together = others[..14].ConvertAll(grant => at.One.Grants.RedeemAsync(grant).AsTask());
        await WaitingAsync(1);
        (await at.One.Grants.RedeemAsync(others[14])).ShouldBeTrue();
        held.IsCompleted.ShouldBeFalse("it still waits for the lock");
        (await Task.WhenAll(together)).ShouldAllBe(won => won);
        (await Should.ThrowAsync<DatabaseException>(held)).Failure.ShouldBe(DatabaseFailure.Busy);
    }

    [Fact]
    [Assertion("TK-21")]
    public async Task Reads_that_wait_together_get_each_its_own_row_and_one_that_cannot_be_run_fails_alone()
    {
        var signIns = new List<SignIn>();
        for (var i = 0; i < 8; i++) signIns.Add(await at.NewSignInAsync());
        await using var database = new Database(at.Place.CreateDataSource(), at.Place.Dialect);
        var reads = signIns.ConvertAll(signIn => database.FindAsync($"select id from session where id = {signIn.Session.Id}", row => row.GetFieldValue<byte[]>(0), CancellationToken.None).AsTask());
        var nobody = database.FindAsync($"select id from session where id = {Secret.NewBytes(16)}", row => row.GetFieldValue<byte[]>(0), CancellationToken.None).AsTask();
        var wrong = database.FindAsync($"select id from session where id = {signIns[0].Session.Id} and {1L} / {0L} = 1", row => row.GetFieldValue<byte[]>(0), CancellationToken.None).AsTask();
        (await Task.WhenAll(reads)).ShouldBe(signIns.Select(signIn => signIn.Session.Id));
        (await nobody).ShouldBeNull();
        (await Should.ThrowAsync<DatabaseException>(wrong)).Failure.ShouldBe(DatabaseFailure.Statement);
    }

    [Fact]
    public async Task A_connection_that_breaks_while_it_writes_is_told_as_unknown_and_the_next_write_is_done()
    {
        var signIn = await at.NewSignInAsync();
        var next = at.NewGrant(signIn.Account, signIn.Client, signIn.Session);
        Task<bool> broken;
        await using (await LockedAsync())
        {
            broken = at.One.Grants.RedeemAsync(signIn.Grant).AsTask();
            await WaitingAsync(1);
            await PostgreSqlCluster.RunAsync(at.ConnectionString, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'");
        }
        (await Should.ThrowAsync<DatabaseException>(broken)).Failure.ShouldBe(DatabaseFailure.Unknown);
        (await at.One.Grants.RedeemAsync(next)).ShouldBeTrue();
        (await at.One.Grants.FindAsync(next.Id, CancellationToken.None)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Connections_that_broke_while_nobody_used_them_cost_a_read_nothing()
    {
        var signIn = await at.NewSignInAsync();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => at.One.Sessions.FindAsync(signIn.Session.Key, at.Now, CancellationToken.None).AsTask()));
        await PostgreSqlCluster.RunAsync(at.ConnectionString, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'proofkey'");
        for (var read = 0; read < 3; read++) (await at.One.Sessions.FindAsync(signIn.Session.Key, at.Now, CancellationToken.None)).ShouldNotBeNull();
        (await at.One.Grants.RedeemAsync(signIn.Grant)).ShouldBeTrue();
        (await at.Other.Sessions.FindAsync(signIn.Session.Key, at.Now, CancellationToken.None)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Refreshes_write_no_index()
    {
        // What other tests wrote is not to be counted here.
        await using var world = new PostgreSqlWorld();
        await world.InitializeAsync();
        var signIn = await world.NewSignInAsync();
        var grants = Enumerable.Range(0, 100).Select(_ => world.NewGrant(signIn.Account, signIn.Client, signIn.Session)).ToList();
        foreach (var grant in grants) await world.One.Grants.RedeemAsync(grant);
        var (updates, hot) = (await UpdatesAsync(world, "n_tup_upd"), await UpdatesAsync(world, "n_tup_hot_upd"));
        await using (var server = await Stores.OpenAsync(world.Place, world.Time))
        {
            for (var sequence = 1; sequence <= 3; sequence++)
                foreach (var grant in grants) (await RotateAsync(server, signIn with { Grant = grant }, sequence)).ShouldNotBeNull();
        }
        await CountedAsync(world, updates + 300);
        (await UpdatesAsync(world, "n_tup_hot_upd") - hot).ShouldBeGreaterThan(290, "a new version finds room on its page");
    }

    [Fact]
    public async Task What_is_done_alone_takes_the_time_that_it_takes_and_everything_else_is_bounded()
    {
        var database = at.One.Of<Database>();
        var alone = "";
        await database.AloneInTransactionAsync(
            async connection =>
            {
                var command = connection.Prepare($"select current_setting('statement_timeout')");
                command.CommandTimeout.ShouldBe(0, "nor does the driver give up");
                alone = (string)(await command.ExecuteScalarAsync())!;
            },
            CancellationToken.None);
        alone.ShouldBe("0");
        (await database.FindAsync($"select current_setting('statement_timeout')", row => row.GetString(0), CancellationToken.None)).ShouldBe("10s");
    }

    [Fact]
    public async Task What_is_done_alone_waits_for_another_one_longer_than_for_any_other_lock()
    {
        // A tenth of a second stands for the five of a server.
        await using var database = new Database(NpgsqlDataSource.Create(at.ConnectionString + ";Options=-c lock_timeout=100ms -c statement_timeout=100ms"), at.Place.Dialect);
        var (other, settings, timeOut) = (new TaskCompletionSource(), "", -1);
        var migration = at.Other.Of<Database>().AloneInTransactionAsync(_ => other.Task, CancellationToken.None);
        var second = database.AloneInTransactionAsync(
            async connection =>
            {
                var command = connection.Prepare($"select current_setting('lock_timeout') || ' ' || current_setting('statement_timeout')");
                (settings, timeOut) = ((string)(await command.ExecuteScalarAsync())!, command.CommandTimeout);
            },
            CancellationToken.None);
        while (!second.IsCompleted && await PostgreSqlCluster.CountAsync(at.ConnectionString, "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'advisory' and query_start < clock_timestamp() - interval '400 ms'") == 0)
        {
            // Asking takes a while by itself.
        }
        var waits = !second.IsCompleted;
        other.SetResult();
        await migration;
        await second;
        (waits, settings, timeOut).ShouldBe((true, "100ms 0", 0), "a lock on a row is waited for as long as ever");
    }

    [Fact]
    public async Task Counting_all_rows_takes_the_time_that_it_takes()
    {
        // One of its own, since a table is replaced in it.
        await using var world = new PostgreSqlWorld();
        await world.InitializeAsync();
        await PostgreSqlCluster.RunAsync(world.ConnectionString, "alter table scope rename to scopes; create view scope as select 1 where current_setting('statement_timeout') = '0'");
        (await world.One.Of<DatabaseRegistry>().CheckAsync(CancellationToken.None)).Single(table => table.Table == "scope").Rows.ShouldBe(1, "the row is there where nothing ends a statement");
    }

    private static Task<Grant?> RotateAsync(Stores server, SignIn signIn, long sequence) =>
        server.Grants.RotateAsync(signIn.Token(sequence), signIn.Client.Id, null, signIn.Grant.CreatedAt.AddSeconds(sequence), Strict).AsTask();

    private static Task<long> UpdatesAsync(PostgreSqlWorld world, string column) =>
        PostgreSqlCluster.CountAsync(world.ConnectionString, $"select {column} from pg_stat_user_tables where relname = 'authorization_grant'");

    // A process of the database counts when it ends, or after a while.
    private static async Task CountedAsync(PostgreSqlWorld world, long updates)
    {
        while (await UpdatesAsync(world, "n_tup_upd") < updates)
        {
            // Asking takes a while by itself.
        }
    }

    // A row tells which transaction wrote it.
    private Task<long> TransactionsAsync(SignIn signIn) =>
        PostgreSqlCluster.CountAsync(at.ConnectionString, $"select count(distinct xmin::text) from authorization_grant where subject = '{signIn.Account.Subject}'");

    // Nobody writes grants until this is disposed.
    private async Task<NpgsqlConnection> LockedAsync()
    {
        var connection = new NpgsqlConnection(at.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("begin; lock table authorization_grant in exclusive mode", connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    private async Task WaitingAsync(int count)
    {
        while (await PostgreSqlCluster.CountAsync(at.ConnectionString, "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") < count)
        {
            // Asking takes a while by itself.
        }
    }
}

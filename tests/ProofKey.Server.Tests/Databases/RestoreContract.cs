using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests.Databases;

/// <summary>What every database has to keep after it was put back from a backup. The tests of a class share one, so each looks at sign-ins of its own.</summary>
public abstract class RestoreContract(StorageWorld at)
{
    private static readonly RotationPolicy Tolerant = new(TimeSpan.FromSeconds(10), TimeSpan.FromDays(7), TimeSpan.FromDays(14));

    private static readonly CancellationToken Never = CancellationToken.None;

    [Fact]
    [Assertion("RT-17")]
    public async Task A_token_ahead_of_its_row_is_taken_once_after_a_marked_restore_and_never_before()
    {
        var signIn = await RedeemedAsync();
        (await CatchUpAsync(at.One, signIn, 5)).ShouldBeNull("no restore is marked since the grant was made");
        await MarkAsync(RestoredGrants.Keep);
        (await CatchUpAsync(at.One, signIn, 1)).ShouldBeNull("it is not ahead");
        var caughtUp = await Task.WhenAll(Enumerable.Range(0, 32).Select(number => CatchUpAsync(number % 2 == 0 ? at.One : at.Other, signIn, 5)));
        caughtUp.OfType<Grant>().ShouldHaveSingleItem();
        var row = (await at.Other.Grants.FindAsync(signIn.Grant.Id, Never))!;
        (row.Sequence, row.PreviousSequence, row.RotatedAt).ShouldBe((6, 5, at.Now));
        (await EventsAsync("ahead", signIn)).Count.ShouldBe(1);

        at.Time.Advance(TimeSpan.FromSeconds(11));
        (await CatchUpAsync(at.One, signIn, 9)).ShouldBeNull("the row has changed since the restore");
        (await RotateAsync(signIn, 6))!.Sequence.ShouldBe(7);
        (await CatchUpAsync(at.Other, signIn, 9)).ShouldBeNull();
    }

    [Fact]
    [Assertion("RT-17")]
    public async Task A_grant_that_rotated_or_began_after_the_restore_knows_no_token_ahead_of_it()
    {
        var rotated = await RedeemedAsync();
        await MarkAsync(RestoredGrants.Keep);
        (await RotateAsync(rotated, 1))!.Sequence.ShouldBe(2);
        (await CatchUpAsync(at.One, rotated, 5)).ShouldBeNull();
        (await CatchUpAsync(at.One, await RedeemedAsync(), 5)).ShouldBeNull();
    }

    [Fact]
    [Assertion("RT-17")]
    public async Task Nothing_that_has_ended_and_nobody_else_catches_up()
    {
        var (revoked, removed, disabled, signedOut, good) = (await RedeemedAsync(), await RedeemedAsync(), await RedeemedAsync(), await RedeemedAsync(), await RedeemedAsync());
        await MarkAsync(RestoredGrants.Keep);
        await at.One.Grants.RevokeAsync(revoked.Grant.Id, at.Now, About("grant-revoked", revoked));
        await at.One.Clients.RemoveAsync(removed.Client.Id, About("client-removed", removed));
        await at.One.Accounts.DisableAsync(disabled.Account.Subject);
        await at.One.Sessions.EndAsync(signedOut.Session.Key, at.Now);
        foreach (var dead in new[] { revoked, removed, disabled, signedOut }) (await CatchUpAsync(at.Other, dead, 5)).ShouldBeNull();
        (await CatchUpAsync(at.Other, good with { Client = revoked.Client }, 5)).ShouldBeNull("another client");
        (await at.Other.Grants.CatchUpAsync(good.Token(5) with { RowSecret = Secret.NewBytes(RefreshToken.SecretLength) }, good.Client.Id, null, at.Now, Tolerant, _ => About("ahead", good))).ShouldBeNull("another secret");
        (await at.Other.Grants.CatchUpAsync(good.Token(5), good.Client.Id, null, good.Grant.ExpiresAt, Tolerant, _ => About("ahead", good))).ShouldBeNull("its end");
        (await CatchUpAsync(at.Other, good, 5))!.Sequence.ShouldBe(6);
    }

    [Fact]
    [Assertion("RT-18")]
    public async Task What_the_trail_says_was_revoked_since_is_revoked_again_and_the_trail_is_whole()
    {
        var byKind = new Dictionary<string, SignIn>();
        foreach (var kind in (string[])["grant-revoked", "code-reused", "refresh-token-reused", "device-code-reused", "grants-revoked", "signed-out", "user-disabled", "user-enabled", "password-reset", "user-removed", "client-removed"])
            byKind.Add(kind, await RedeemedAsync());
        var goesOn = await RedeemedAsync();
        at.Time.Advance(TimeSpan.FromHours(1));
        var trail = byKind.Select(pair => Entry(pair.Key, pair.Value)).ToList();
        trail.Insert(0, Entry("user-disabled", byKind["user-enabled"]));
        trail.Add(Entry("signed-in", goesOn));

        var outcome = await MarkAsync(RestoredGrants.Keep, trail);
        outcome.Revocations.ShouldBe(byKind.Count, "all but user-enabled and signed-in");
        outcome.WithoutPassword.ShouldBe([byKind["password-reset"].Account.Name]);
        foreach (var (kind, signIn) in byKind) (await LivesAsync(signIn)).ShouldBeFalse(kind);
        (await LivesAsync(goesOn)).ShouldBeTrue();
        (await at.Other.Accounts.FindAsync(byKind["user-disabled"].Account.Subject, Never)).ShouldBeNull();
        (await at.Other.Accounts.FindAsync(byKind["user-enabled"].Account.Subject, Never)).ShouldNotBeNull("let in again, with nothing of before");
        (await at.Other.Accounts.FindByNameAsync(byKind["user-removed"].Account.Name, Never)).ShouldBeNull();
        (await at.Other.Accounts.CountPasswordTryAsync(byKind["password-reset"].Account.Name, TimeSpan.FromMinutes(5)))!.PasswordHash.ShouldBeEmpty();
        (await at.Other.Clients.FindAsync(byKind["client-removed"].Client.Id, Never)).ShouldBeNull();
        (await EventsAsync("password-reset", byKind["password-reset"])).ShouldHaveSingleItem().At.ShouldBe(at.Now.AddSeconds(-1), TimeSpan.FromMilliseconds(1));

        (await MarkAsync(RestoredGrants.Keep, trail)).Revocations.ShouldBe(0, "the trail has them now");
    }

    [Fact]
    [Assertion("RT-18")]
    public async Task What_is_older_than_the_backup_is_not_done_again_where_its_own_trail_is_empty()
    {
        var (resetLongAgo, revokedSince) = (await RedeemedAsync(), await RedeemedAsync());
        await at.One.Database.WriteAsync($"delete from audit_event where count > {0L}");
        var old = Entry("password-reset", resetLongAgo) with { At = at.Now.AddDays(-2) };
        at.Time.Advance(TimeSpan.FromHours(1));
        var outcome = await MarkAsync(RestoredGrants.Keep, [old, Entry("grant-revoked", revokedSince)]);
        (outcome.Revocations, outcome.WithoutPassword.Count).ShouldBe((1, 0));
        (await LivesAsync(resetLongAgo)).ShouldBeTrue();
        (await LivesAsync(revokedSince)).ShouldBeFalse();
    }

    [Fact]
    [Assertion("RT-18")]
    public async Task Whoever_is_named_since_the_backup_ends_and_whoever_was_only_tried_does_not()
    {
        var (named, tried, ofClient, other) = (await RedeemedAsync(), await RedeemedAsync(), await RedeemedAsync(), await RedeemedAsync());
        at.Time.Advance(TimeSpan.FromHours(1));
        var outcome = await MarkAsync(RestoredGrants.RevokeChanged, [Entry("signed-in", named), Entry("sign-in-failed", tried), Entry("client-changed", ofClient) with { Subject = null }]);
        outcome.Revocations.ShouldBe(0);
        (await LivesAsync(named)).ShouldBeFalse();
        (await at.One.Sessions.FindAsync(named.Session.Key, at.Now, Never)).ShouldBeNull();
        (await LivesAsync(ofClient)).ShouldBeFalse();
        (await at.One.Sessions.FindAsync(ofClient.Session.Key, at.Now, Never)).ShouldNotBeNull();
        (await LivesAsync(tried)).ShouldBeTrue();
        (await LivesAsync(other)).ShouldBeTrue();
    }

    [Fact]
    [Assertion("RT-18")]
    public async Task When_none_goes_on_every_session_grant_and_consent_is_gone()
    {
        var signIn = await RedeemedAsync();
        await at.One.Of<ConsentStore>().RememberAsync(signIn.Account.Subject, signIn.Client.Id, new RememberedConsent(signIn.Grant.Scope, signIn.Grant.Scope), at.Now);
        await MarkAsync(RestoredGrants.RevokeAll);
        (await LivesAsync(signIn)).ShouldBeFalse();
        (await at.Other.Sessions.FindAsync(signIn.Session.Key, at.Now, Never)).ShouldBeNull();
        (await at.Other.Of<ConsentStore>().FindAsync(signIn.Account.Subject, signIn.Client.Id, Never)).ShouldBeNull();
        (await EventsAsync("database-restored", null)).ShouldContain(entry => entry.Detail!.Contains("revoke-all", StringComparison.Ordinal));
    }

    [Fact]
    [Assertion("MD-08")]
    public async Task Keys_that_were_revoked_since_the_backup_are_replaced_again()
    {
        var signIn = await RedeemedAsync();
        var before = (await at.One.Of<KeyStore>().ListAsync(Never)).ConvertAll(key => key.Id);
        at.Time.Advance(TimeSpan.FromHours(1));
        await MarkAsync(RestoredGrants.Keep, [Entry("keys-revoked", signIn) with { Subject = null, ClientId = null, Detail = null }]);
        var after = (await at.Other.Of<KeyStore>().ListAsync(Never)).ConvertAll(key => key.Id);
        after.Count.ShouldBe(before.Count);
        after.Intersect(before).ShouldBeEmpty();
        (await LivesAsync(signIn)).ShouldBeFalse();
    }

    [Fact]
    public async Task An_entry_that_is_none_leaves_everything_as_it_was()
    {
        var signIn = await RedeemedAsync();
        at.Time.Advance(TimeSpan.FromHours(1));
        await Should.ThrowAsync<FormatException>(() => MarkAsync(RestoredGrants.RevokeAll, [Entry("grant-revoked", signIn), Entry("signed-in", signIn) with { Id = "?" }]));
        (await LivesAsync(signIn)).ShouldBeTrue();
        (await CatchUpAsync(at.One, signIn, 5)).ShouldBeNull();
    }

    private Task<RestoreOutcome> MarkAsync(RestoredGrants grants, params IReadOnlyList<AuditEntry> trail)
    {
        at.Time.Advance(TimeSpan.FromSeconds(1));
        return at.One.Of<DatabaseRegistry>().MarkRestoredAsync(grants, trail, Never);
    }

    private AuditEntry Entry(string kind, SignIn signIn) => new(
        Base64UrlText.Encode(Secret.NewId(at.Now)), at.Now, kind, kind == "client-removed" ? null : signIn.Account.Subject, null, signIn.Client.Id, null, 1, Convert.ToHexStringLower(signIn.Grant.Id));

    private async Task<bool> LivesAsync(SignIn signIn) => await at.Other.Grants.FindLivingAsync(signIn.Grant.Id, at.Now, Never) is not null;

    private async Task<SignIn> RedeemedAsync()
    {
        var signIn = await at.NewSignInAsync();
        (await at.One.Grants.RedeemAsync(signIn.Grant)).ShouldBeTrue();
        return signIn;
    }

    private static AuditEvent About(string kind, SignIn signIn) => new(kind) { Subject = signIn.Account.Subject, ClientId = signIn.Client.Id };

    private Task<Grant?> RotateAsync(SignIn signIn, long sequence) =>
        at.One.Grants.RotateAsync(signIn.Token(sequence), signIn.Client.Id, null, at.Now, Tolerant).AsTask();

    private Task<Grant?> CatchUpAsync(Stores server, SignIn signIn, long sequence) =>
        server.Grants.CatchUpAsync(signIn.Token(sequence), signIn.Client.Id, null, at.Now, Tolerant, _ => About("ahead", signIn)).AsTask();

    private async Task<List<AuditEntry>> EventsAsync(string kind, SignIn? signIn) =>
        await at.Other.Of<AuditTrail>().ListAsync(new AuditFilter { Kind = kind, Subject = signIn?.Account.Subject }, null, Never);
}

/// <summary>On SQLite.</summary>
public sealed class RestoreOnSqliteTests(SqliteWorld at) : RestoreContract(at), IClassFixture<SqliteWorld>;

/// <summary>On PostgreSQL.</summary>
public sealed class RestoreOnPostgreSqlTests(PostgreSqlWorld at) : RestoreContract(at), IClassFixture<PostgreSqlWorld>;

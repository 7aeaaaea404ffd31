using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Databases;

/// <summary>What every database has to keep: two servers work on it, and each of these holds whichever of them does what.</summary>
public abstract class StorageContract(StorageWorld at)
{
    private const int Many = 32;

    private static readonly RotationPolicy Tolerant = new(TimeSpan.FromSeconds(10), TimeSpan.FromDays(7), TimeSpan.FromDays(14));

    private static readonly CancellationToken Never = CancellationToken.None;

    [Fact]
    public Task Counting_all_rows_waits_for_no_writer_and_holds_none_up() => at.One.Database.InTransactionAsync(
        async _ => (await at.Other.Of<DatabaseRegistry>().CheckAsync(Never)).ShouldNotBeEmpty(), Never);

    [Fact]
    [Assertion("TK-09")]
    public async Task Of_many_redemptions_at_two_servers_one_wins()
    {
        var signIn = await at.NewSignInAsync();
        var won = await Task.WhenAll(Enumerable.Range(0, Many).Select(number => ServerOf(number).Grants.RedeemAsync(signIn.Grant).AsTask()));
        won.Count(one => one).ShouldBe(1);
        var found = await at.Other.Grants.FindAsync(signIn.Grant.Id, Never);
        found.ShouldNotBeNull().Stands.ShouldBeTrue();
        (found.Sequence, found.PreviousSequence, found.Resource, found.NotifiesLogout).ShouldBe((1, null, null, false));
    }

    [Fact]
    [Assertion("RT-03")]
    public async Task Of_many_rotations_at_two_servers_one_moves_the_sequence()
    {
        var signIn = await RedeemedAsync();
        var moved = await Task.WhenAll(Enumerable.Range(0, Many).Select(number => RotateAsync(ServerOf(number), signIn, 1)));
        moved.Count(row => row is not null).ShouldBe(1);
        moved.OfType<Grant>().Single().Sequence.ShouldBe(2);
        (await RotateAsync(at.One, signIn, 2)).ShouldBeNull("within the leeway nothing moves");
        at.Time.Advance(TimeSpan.FromSeconds(11));
        (await RotateAsync(at.Other, signIn, 2))!.Sequence.ShouldBe(3);
    }

    [Fact]
    [Assertion("RT-05")]
    public async Task A_predecessor_that_returns_late_is_taken_and_recorded_and_an_older_one_is_not()
    {
        var signIn = await RedeemedAsync();
        await RotateAsync(at.One, signIn, 1);
        at.Time.Advance(TimeSpan.FromSeconds(11));
        var late = await RotateAsync(at.Other, signIn, 1);
        (late!.Sequence, late.PreviousSequence).ShouldBe((3, 1));
        var events = await EventsAsync("late", signIn);
        events.ShouldHaveSingleItem();
        at.Time.Advance(TimeSpan.FromSeconds(11));
        (await RotateAsync(at.One, signIn, 2)).ShouldBeNull();
        (await RotateAsync(at.One, signIn, 3))!.Sequence.ShouldBe(4);
        (await RotateAsync(at.One, signIn, 1)).ShouldBeNull("reuse");
        (await EventsAsync("late", signIn)).Count.ShouldBe(1);
    }

    [Fact]
    [Assertion("RT-11")]
    public async Task A_revocation_is_one_event_and_nothing_moves_after_it()
    {
        var signIn = await RedeemedAsync();
        var revoked = await Task.WhenAll(Enumerable.Range(0, 8).Select(number => ServerOf(number).Grants.RevokeAsync(signIn.Grant.Id, at.Now, About("grant-revoked", signIn)).AsTask()));
        revoked.Count(one => one).ShouldBe(1);
        (await RotateAsync(at.Other, signIn, 1)).ShouldBeNull();
        (await at.Other.Grants.FindLivingAsync(signIn.Grant.Id, at.Now, Never)).ShouldBeNull();
        (await EventsAsync("grant-revoked", signIn)).Count.ShouldBe(1);
        (await at.One.Grants.RedeemAsync(signIn.Grant)).ShouldBeFalse("its code stays used");
    }

    [Fact]
    [Assertion("RT-11")]
    public async Task Refreshes_and_a_revocation_at_once_leave_a_dead_grant()
    {
        for (var round = 0; round < 20; round++)
        {
            var signIn = await RedeemedAsync();
            var refreshes = Enumerable.Range(0, 6).Select(number => RotateAsync(ServerOf(number), signIn, 1)).ToList();
            (await at.Other.Grants.RevokeAsync(signIn.Grant.Id, at.Now, About("grant-revoked", signIn))).ShouldBeTrue();
            (await Task.WhenAll(refreshes)).Count(row => row is not null).ShouldBeLessThanOrEqualTo(1);
            at.Time.Advance(TimeSpan.FromSeconds(11));
            (await RotateAsync(at.One, signIn, 1)).ShouldBeNull();
            (await RotateAsync(at.One, signIn, 2)).ShouldBeNull();
        }
    }

    public enum Ending
    {
        Disabled,
        NewPassword,
        SignedOut,
        ClientRemoved,
        AccountRemoved,
    }

    [Theory]
    [InlineData(Ending.Disabled)]
    [InlineData(Ending.NewPassword)]
    [InlineData(Ending.SignedOut)]
    [InlineData(Ending.ClientRemoved)]
    [InlineData(Ending.AccountRemoved)]
    [Assertion("RT-08")]
    public async Task An_end_before_at_and_after_a_redemption_leaves_nothing_that_lives(Ending ending)
    {
        var before = await at.NewSignInAsync();
        await EndAsync(ending, before);
        (await at.Other.Grants.RedeemAsync(before.Grant)).ShouldBeFalse();
        (await at.Other.Grants.FindAsync(before.Grant.Id, Never)).ShouldBeNull();

        var after = await RedeemedAsync();
        await EndAsync(ending, after);
        (await at.Other.Grants.FindLivingAsync(after.Grant.Id, at.Now, Never)).ShouldBeNull();
        (await RotateAsync(at.Other, after, 1)).ShouldBeNull();

        for (var round = 0; round < 10; round++)
        {
            var meeting = await at.NewSignInAsync();
            await Task.WhenAll(at.Other.Grants.RedeemAsync(meeting.Grant).AsTask(), EndAsync(ending, meeting));
            (await at.One.Grants.FindLivingAsync(meeting.Grant.Id, at.Now, Never)).ShouldBeNull();
            (await RotateAsync(at.One, meeting, 1)).ShouldBeNull();
        }
    }

    [Theory]
    [InlineData(Ending.SignedOut)]
    [InlineData(Ending.Disabled)]
    public async Task Whoever_was_granted_something_hears_of_the_end_also_when_both_happen_at_once(Ending ending)
    {
        for (var round = 0; round < 40; round++)
        {
            var signIn = await at.NewSignInAsync(hearsOfEnd: true);
            var redeemed = at.Other.Grants.RedeemAsync(signIn.Grant).AsTask();
            await EndAsync(ending, signIn);
            var owed = await at.One.Outbox.ListDueAsync(signIn.Client.Id, at.Now, Never);
            owed.Count.ShouldBe(await redeemed ? 1 : 0, "a grant that was answered is a client that has to hear");
        }
    }

    [Fact]
    public async Task An_owed_logout_is_taken_by_one_server()
    {
        var signIn = await at.NewSignInAsync(hearsOfEnd: true);
        await at.One.Grants.RedeemAsync(signIn.Grant);
        (await at.One.Sessions.EndAsync(signIn.Session.Key, at.Now)).ShouldBeTrue();
        (await at.Other.Sessions.EndAsync(signIn.Session.Key, at.Now)).ShouldBeFalse("it has ended");
        (await at.Other.Outbox.ListDueClientsAsync(at.Now, Never)).ShouldContain(signIn.Client.Id);
        var owed = (await at.Other.Outbox.ListDueAsync(signIn.Client.Id, at.Now, Never)).ShouldHaveSingleItem();
        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(number => ServerOf(number).Outbox.TakeAsync(owed, at.Now.AddMinutes(1)).AsTask()));
        taken.Count(one => one).ShouldBe(1);
        await at.One.Outbox.PostponeAsync(signIn.Client.Id, at.Now.AddMinutes(2), at.Now.AddMinutes(5));
        (await at.One.Outbox.DropAsync(signIn.Client.Id, at.Now)).ShouldBe(1);
    }

    [Fact]
    public async Task All_grants_of_a_person_are_revoked_in_the_middle_of_their_refreshes()
    {
        var signIn = await at.NewSignInAsync();
        var grants = Enumerable.Range(0, 12).Select(_ => at.NewGrant(signIn.Account, signIn.Client, signIn.Session)).ToList();
        foreach (var grant in grants) (await at.One.Grants.RedeemAsync(grant)).ShouldBeTrue();
        var refreshes = grants.Select((grant, number) => RotateAsync(ServerOf(number), signIn with { Grant = grant }, 1)).ToList();
        (await at.Other.Grants.RevokeAllAsync(signIn.Account.Subject, null, at.Now, About("grants-revoked", signIn))).ShouldBe(12);
        await Task.WhenAll(refreshes);
        at.Time.Advance(TimeSpan.FromSeconds(11));
        foreach (var grant in grants) (await RotateAsync(at.One, signIn with { Grant = grant }, 2)).ShouldBeNull();
        (await at.One.Grants.ListAsync(signIn.Account.Subject, null, Never)).ShouldAllBe(grant => grant.RevokedAt != null);
        (await EventsAsync("grants-revoked", signIn)).Count.ShouldBe(1);
    }

    [Fact]
    [Assertion("TK-21")]
    public async Task Of_those_who_share_a_commit_the_one_whose_event_cannot_be_written_fails_alone()
    {
        var (signIn, grants) = await GrantsAsync();
        List<Task<bool>> writes = [];
        // While it is under way, they gather behind it.
        await at.Other.Database.InTransactionAsync(
            async connection =>
            {
                await connection.ExecuteAsync($"update account set email = null where subject = {signIn.Account.Subject}", Never);
                // An event without a kind is none.
                writes = grants.ConvertAll(grant => at.One.Grants.RevokeAsync(grant.Id, at.Now, new AuditEvent(grant == grants[3] ? null! : "batch-revoked") { Subject = signIn.Account.Subject }).AsTask());
            }, Never);
        (await Should.ThrowAsync<DatabaseException>(writes[3])).Failure.ShouldBe(DatabaseFailure.Statement);
        writes.RemoveAt(3);
        (await Task.WhenAll(writes)).ShouldAllBe(won => won);
        (await at.One.Grants.ListAsync(signIn.Account.Subject, null, Never)).Where(grant => grant.RevokedAt is null).ShouldHaveSingleItem().Id.ShouldBe(grants[3].Id);
        (await EventsAsync("batch-revoked", signIn)).Count.ShouldBe(grants.Count - 1);
    }

    [Fact]
    [Assertion("TK-21")]
    public async Task Of_those_who_share_a_commit_the_one_whose_row_cannot_be_read_fails_alone()
    {
        var (signIn, grants) = await GrantsAsync();
        List<Task<string?>> writes = [];
        await at.Other.Database.InTransactionAsync(
            async connection =>
            {
                await connection.ExecuteAsync($"update account set email = null where subject = {signIn.Account.Subject}", Never);
                writes = grants.ConvertAll(grant => at.One.Database.WriteAsync(
                    $"update authorization_grant set rotated_at = {1L} where id = {grant.Id} returning subject", row => grant == grants[3] ? throw new FormatException("A row by hand.") : row.GetString(0), grantId: grant.Id).AsTask());
            }, Never);
        await Should.ThrowAsync<FormatException>(writes[3]);
        writes.RemoveAt(3);
        (await Task.WhenAll(writes)).ShouldAllBe(subject => subject == signIn.Account.Subject);
    }

    [Fact]
    public async Task A_clock_that_is_set_back_keeps_nobody_locked_out()
    {
        var (name, window) = ("n" + Secret.NewText(8), TimeSpan.FromMinutes(5));
        (await at.One.Accounts.AddAsync(new Account { Subject = Secret.NewText(16), Name = name, Epoch = 1, CreatedAt = at.Now }, "hash", new AuditEvent("user-added"))).ShouldBeTrue();
        for (var count = 1; count <= 20; count++) (await at.One.Accounts.CountPasswordTryAsync(name, window))!.Tries.ShouldBe(count);
        var later = at.Now.AddHours(1).ToUnixTimeMilliseconds();
        await at.One.Database.WriteAsync($"update credential set tries_since = {later} where subject = (select subject from account where name_key = {AccountStore.NameKey(name)})");
        (await at.One.Accounts.CountPasswordTryAsync(name, window))!.Tries.ShouldBe(1);
    }

    [Fact]
    public async Task A_name_is_given_once_and_password_tries_are_all_counted()
    {
        var name = "n" + Secret.NewText(8);
        var added = await Task.WhenAll(Enumerable.Range(0, 8).Select(number => ServerOf(number).Accounts.AddAsync(
            new Account { Subject = Secret.NewText(16), Name = name, Epoch = 1, CreatedAt = at.Now }, "hash", new AuditEvent("user-added")).AsTask()));
        added.Count(one => one).ShouldBe(1);
        var tries = await Task.WhenAll(Enumerable.Range(0, 40).Select(number => ServerOf(number).Accounts.CountPasswordTryAsync(number % 2 == 0 ? name : "nobody-" + number, TimeSpan.FromMinutes(15)).AsTask()));
        tries.Where((_, number) => number % 2 == 0).Select(attempt => attempt!.Tries).Order().ShouldBe(Enumerable.Range(1, 20).Select(number => (long)number));
        tries.Where((_, number) => number % 2 == 1).ShouldAllBe(attempt => attempt!.Subject == "");
    }

    [Fact]
    public async Task Sessions_are_renewed_found_idle_and_ended_by_their_key()
    {
        var (session, next) = ((await at.NewSignInAsync()).Session, Secret.NewBytes(16));
        (await at.Other.Sessions.FindAsync(session.Key, at.Now, Never))!.Id.ShouldBe(session.Id);
        (await at.Other.Sessions.RenewAsync(session.Key, session with { Key = next, Acr = "urn:acr", LastSeenAt = at.Now })).ShouldBeTrue();
        (await at.One.Sessions.FindAsync(session.Key, at.Now, Never)).ShouldBeNull();
        (await at.One.Sessions.FindAsync(next, at.Now, Never))!.Acr.ShouldBe("urn:acr");
        await at.One.Sessions.SeenAsync(session.Id, session.LastSeenAt, at.Now.AddHours(1));
        (await at.One.Sessions.FindAsync(next, at.Now, Never))!.LastSeenAt.ShouldBe(at.Now.AddHours(1));
        (await at.One.Sessions.EndAsync(next, at.Now)).ShouldBeTrue();
        (await at.Other.Sessions.FindAsync(next, at.Now, Never)).ShouldBeNull();
    }

    [Fact]
    public async Task The_last_word_on_consent_counts()
    {
        var signIn = await at.NewSignInAsync();
        var consents = at.One.Of<ConsentStore>();
        (await consents.FindAsync(signIn.Account.Subject, signIn.Client.Id, Never)).ShouldBeNull();
        await consents.RememberAsync(signIn.Account.Subject, signIn.Client.Id, new(Scope.Parse("openid"), Scope.Parse("openid email")), at.Now);
        await at.Other.Of<ConsentStore>().RememberAsync(signIn.Account.Subject, signIn.Client.Id, new(Scope.Parse("email"), Scope.Parse("openid email")), at.Now);
        (await consents.FindAsync(signIn.Account.Subject, signIn.Client.Id, Never))!.Agreed.ToString().ShouldBe("email");
    }

    [Fact]
    public async Task Counted_events_are_one_row_and_the_trail_is_read_in_order()
    {
        var signIn = await at.NewSignInAsync();
        var failed = About("sign-in-failed", signIn) with { Address = "192.0.2.1" };
        await Task.WhenAll(Enumerable.Range(0, Many).Select(number => ServerOf(number).Of<AuditTrail>().CountAsync(failed).AsTask()));
        (await EventsAsync("sign-in-failed", signIn)).ShouldHaveSingleItem().Count.ShouldBe(Many);
        for (var number = 0; number < 3; number++)
        {
            await at.One.Of<AuditTrail>().RecordAsync(About("seen", signIn) with { Detail = $"{number}" });
            at.Time.Advance(TimeSpan.FromMilliseconds(1));
        }
        (await EventsAsync("seen", signIn)).Select(entry => (entry.Detail, entry.UserName)).ShouldBe([("0", signIn.Account.Name), ("1", signIn.Account.Name), ("2", signIn.Account.Name)]);
    }

    [Fact]
    public async Task A_device_is_decided_on_once_and_its_polls_are_counted()
    {
        var signIn = await at.NewSignInAsync();
        var (devices, digest, code) = (at.One.Of<DeviceStore>(), Secret.NewBytes(16), Secret.NewBytes(16));
        var device = new DeviceRow
        {
            Id = Secret.NewId(at.Now),
            SecretDigest = digest,
            ClientId = signIn.Client.Id,
            Scope = Scope.Parse("openid"),
            Address = "192.0.2.1",
            CreatedAt = at.Now,
            ExpiresAt = at.Now.AddMinutes(5),
            Interval = TimeSpan.FromSeconds(5),
        };
        (await devices.AddAsync(device, code)).ShouldBeTrue();
        (await at.Other.Of<DeviceStore>().AddAsync(device with { Id = Secret.NewId(at.Now) }, code)).ShouldBeFalse("another device has this user code");
        (await devices.PollAsync(device.Id, digest, signIn.Client.Id, at.Now))!.IsTooFast.ShouldBeFalse();
        (await devices.PollAsync(device.Id, digest, signIn.Client.Id, at.Now))!.IsTooFast.ShouldBeTrue();
        (await devices.FindWaitingAsync(code, at.Now, Never))!.Interval.ShouldBe(TimeSpan.FromSeconds(10));
        var approval = new DeviceApproval(signIn.Account.Subject, 1, signIn.Session.Id, at.Now.AddHours(1), at.Now, "pwd", null);
        var decided = await Task.WhenAll(Enumerable.Range(0, 8).Select(number => number % 2 == 0
            ? at.One.Of<DeviceStore>().AllowAsync(device.Id, approval, device.Scope, at.Now, About("device-allowed", signIn)).AsTask()
            : at.Other.Of<DeviceStore>().DenyAsync(device.Id, signIn.Account.Subject, at.Now, About("device-denied", signIn)).AsTask()));
        decided.Count(one => one).ShouldBe(1);
        (await devices.PollAsync(device.Id, digest, signIn.Client.Id, at.Now)).ShouldBeNull();
        (await EventsAsync("device-allowed", signIn)).Concat(await EventsAsync("device-denied", signIn)).Count().ShouldBe(1);
    }

    [Fact]
    [Assertion("DV-10")]
    public async Task What_a_device_was_allowed_and_is_withdrawn_while_it_fetches_it_leaves_nothing_that_lives()
    {
        for (var round = 0; round < 8; round++)
        {
            var signIn = await at.NewSignInAsync();
            var device = new DeviceRow
            {
                Id = signIn.Grant.Id,
                SecretDigest = Secret.NewBytes(16),
                ClientId = signIn.Client.Id,
                Scope = Scope.Parse("openid"),
                Address = "192.0.2.1",
                CreatedAt = at.Now,
                ExpiresAt = at.Now.AddMinutes(5),
                Interval = TimeSpan.FromSeconds(5),
            };
            (await at.One.Of<DeviceStore>().AddAsync(device, Secret.NewBytes(16))).ShouldBeTrue();
            var approval = new DeviceApproval(signIn.Account.Subject, 1, signIn.Session.Id, at.Now.AddHours(1), at.Now, "pwd", null);
            (await at.One.Of<DeviceStore>().AllowAsync(device.Id, approval, device.Scope, at.Now, About("device-allowed", signIn))).ShouldBeTrue();
            if (round == 0) await at.Other.Grants.RevokeAllAsync(signIn.Account.Subject, null, at.Now, About("grants-revoked", signIn));
            var redeemed = at.One.Grants.RedeemOfDeviceAsync(signIn.Grant).AsTask();
            await at.Other.Grants.RevokeAllAsync(signIn.Account.Subject, null, at.Now, About("grants-revoked", signIn));
            if (round == 0) (await redeemed).ShouldBeFalse("it was withdrawn before");
            else await redeemed;
            (await at.One.Grants.FindLivingAsync(signIn.Grant.Id, at.Now, Never)).ShouldBeNull();
        }
    }

    [Fact]
    public async Task User_code_tries_stop_at_the_limit_however_many_come_at_once()
    {
        var (subject, address) = (Secret.NewText(8), Secret.NewText(8));
        var tries = await Task.WhenAll(Enumerable.Range(0, 20).Select(number => ServerOf(number).Of<UserCodeTries>().BeginAsync(subject, address, at.Now).AsTask()));
        tries.Count(attempt => attempt is not null).ShouldBe(UserCodeTries.AccountLimit);
        await at.One.Of<UserCodeTries>().GiveBackAsync(tries.OfType<UserCodeTry>().First());
        (await at.Other.Of<UserCodeTries>().BeginAsync(subject, address, at.Now)).ShouldNotBeNull();
    }

    [Fact]
    public async Task An_assertion_is_used_once()
    {
        var id = Secret.NewBytes(16);
        var used = await Task.WhenAll(Enumerable.Range(0, 8).Select(number => ServerOf(number).Of<AssertionStore>().UseAsync(id, at.Now.AddMinutes(1)).AsTask()));
        used.Count(one => one).ShouldBe(1);
    }

    [Fact]
    public async Task A_pushed_request_is_found_by_its_reference_alone()
    {
        var request = new PushedRequest { Reference = PushedRequest.NewReference(), ClientId = "client", Parameters = Parameters.Of(new KeyValuePair<string, string>("scope", "openid")), ExpiresAt = at.Now.AddMinutes(1) };
        await at.One.Of<PushedRequestStore>().AddAsync(request, at.Now);
        (await at.Other.Of<PushedRequestStore>().FindAsync(request.Reference, "client", Never))!.Parameters["scope"].ShouldBe("openid");
        (await at.Other.Of<PushedRequestStore>().FindAsync(request.Reference, "other", Never)).ShouldBeNull();
    }

    [Fact]
    public async Task A_registration_is_changed_and_removed_as_a_whole()
    {
        var client = new RegisteredClient { Id = Secret.NewText(8), Name = "One", Scope = Scope.Parse("openid"), CreatedAt = at.Now, Origins = ["https://one.example"] };
        await at.One.Clients.AddAsync(client, new AuditEvent("client-added"));
        (await at.Other.Clients.AllowsOriginAsync("https://one.example", null, Never)).ShouldBeTrue();
        (await at.Other.Clients.UpdateAsync(client with { Name = "Two", Origins = ["https://two.example"] }, new AuditEvent("client-changed"))).ShouldBeTrue();
        (await at.One.Clients.AllowsOriginAsync("https://one.example", null, Never)).ShouldBeFalse();
        (await at.One.Clients.FindAsync(client.Id, Never))!.Name.ShouldBe("Two");
        (await at.One.Clients.RemoveAsync(client.Id, new AuditEvent("client-removed"))).ShouldBeTrue();
        (await at.Other.Clients.FindAsync(client.Id, Never)).ShouldBeNull();
        (await at.One.Clients.ListAsync(Never)).ShouldNotContain(known => known.Id == client.Id);
    }

    [Fact]
    [Assertion("TK-06")]
    public async Task What_has_ended_is_deleted_and_nothing_else()
    {
        var signIn = await RedeemedAsync();
        var goesOn = await at.NewSignInAsync();
        (await at.One.Grants.RedeemAsync(goesOn.Grant with { ExpiresAt = at.Now.AddDays(2), OutlivesSession = true })).ShouldBeTrue();
        at.Time.Advance(TimeSpan.FromHours(13) + TimeSpan.FromMilliseconds(1));
        await Task.WhenAll(CleanAsync(at.One), CleanAsync(at.Other));
        (await at.One.Grants.FindAsync(signIn.Grant.Id, Never)).ShouldBeNull();
        (await at.Other.Grants.FindAsync(goesOn.Grant.Id, Never)).ShouldNotBeNull();
    }

    [Fact]
    [Assertion("MD-07")]
    public async Task Servers_that_start_at_once_on_a_new_database_share_one_set_of_keys()
    {
        await using var world = (StorageWorld)Activator.CreateInstance(at.GetType())!;
        await world.InitializeAsync();
        var servers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Stores.OpenAsync(world.Place, world.Time))));
        servers.Select(server => Convert.ToHexString(server.Of<Keys.KeyRing>().PublicKeys.ToJson())).Distinct().ShouldHaveSingleItem();
        foreach (var server in servers) await server.DisposeAsync();
    }

    [Fact]
    [Assertion("RT-08")]
    public async Task A_statement_that_names_the_registration_of_its_client_counts_only_while_it_is_that_one()
    {
        var signIn = await at.NewSignInAsync();
        var remembered = (await at.One.Clients.FindAsync(signIn.Client.Id, Never))!;
        at.One.Clients.Recall(signIn.Client.Id).ShouldBe(remembered);
        await at.Other.Clients.UpdateAsync(remembered with { Name = "Renamed" }, About("client-updated", signIn));
        (await at.One.Grants.RedeemAsync(signIn.Grant, remembered.Version)).ShouldBeFalse();
        var changed = (await at.One.Clients.FindAsync(signIn.Client.Id, Never))!;
        changed.Version.ShouldNotBe(remembered.Version);
        (await at.One.Grants.RedeemAsync(signIn.Grant, changed.Version)).ShouldBeTrue();
        (await at.One.Grants.RotateAsync(signIn.Token(1), signIn.Client.Id, null, at.Now, Tolerant, remembered.Version)).ShouldBeNull();
        (await at.One.Grants.RotateAsync(signIn.Token(1), signIn.Client.Id, null, at.Now, Tolerant, changed.Version))!.Sequence.ShouldBe(2);
        (await at.One.Grants.FindAsync(signIn.Grant.Id, Never, remembered.Version))!.Stands.ShouldBeFalse("within the leeway nothing is written, and the row says it");
        (await at.One.Grants.FindAsync(signIn.Grant.Id, Never, changed.Version))!.Stands.ShouldBeTrue();
        await at.Other.Clients.RemoveAsync(signIn.Client.Id, About("client-removed", signIn));
        (await at.One.Clients.FindAsync(signIn.Client.Id, Never)).ShouldBeNull();
        at.One.Clients.Recall(signIn.Client.Id).ShouldBeNull();
    }

    private Task<int> CleanAsync(Stores server) => RunningServer.CleanAsync(server.Of<Database>(), server.Of<ServerOptions>(), at.Time);

    private Stores ServerOf(int number) => number % 2 == 0 ? at.One : at.Other;

    private static AuditEvent About(string kind, SignIn signIn) => new(kind) { Subject = signIn.Account.Subject, ClientId = signIn.Client.Id };

    private async Task<(SignIn SignIn, List<Grant> Grants)> GrantsAsync()
    {
        var signIn = await at.NewSignInAsync();
        var grants = Enumerable.Range(0, 8).Select(_ => at.NewGrant(signIn.Account, signIn.Client, signIn.Session)).ToList();
        foreach (var grant in grants) (await at.One.Grants.RedeemAsync(grant)).ShouldBeTrue();
        return (signIn, grants);
    }

    private async Task<SignIn> RedeemedAsync()
    {
        var signIn = await at.NewSignInAsync();
        (await at.One.Grants.RedeemAsync(signIn.Grant)).ShouldBeTrue();
        return signIn;
    }

    private async Task<Grant?> RotateAsync(Stores server, SignIn signIn, long sequence) =>
        await server.Grants.RotateAsync(signIn.Token(sequence), signIn.Client.Id, null, at.Now, Tolerant)
        ?? await server.Grants.ReturnLateAsync(signIn.Token(sequence), signIn.Client.Id, null, at.Now, Tolerant, _ => About("late", signIn));

    private async Task<List<AuditEntry>> EventsAsync(string kind, SignIn signIn) =>
        await at.Other.Of<AuditTrail>().ListAsync(new AuditFilter { Kind = kind, Subject = signIn.Account.Subject }, null, Never);

    private async Task EndAsync(Ending ending, SignIn signIn)
    {
        var (server, subject) = (at.One, signIn.Account.Subject);
        if (ending == Ending.Disabled) await server.Accounts.DisableAsync(subject);
        if (ending == Ending.NewPassword) await server.Accounts.SetPasswordAsync(subject, "other hash");
        if (ending == Ending.SignedOut) await server.Sessions.EndAsync(signIn.Session.Key, at.Now);
        if (ending == Ending.ClientRemoved) await server.Clients.RemoveAsync(signIn.Client.Id, About("client-removed", signIn));
        if (ending == Ending.AccountRemoved) await server.Accounts.RemoveAsync(subject, About("user-removed", signIn));
    }
}

/// <summary>On SQLite.</summary>
public sealed class StorageOnSqliteTests(SqliteWorld at) : StorageContract(at), IClassFixture<SqliteWorld>;

/// <summary>On PostgreSQL.</summary>
public sealed class StorageOnPostgreSqlTests(PostgreSqlWorld at) : StorageContract(at), IClassFixture<PostgreSqlWorld>;

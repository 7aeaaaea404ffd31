using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What is told to whoever watches the server: enough to see that something is wrong, and nothing about anybody.</summary>
[Collection(Alone.Name)]
public sealed class TelemetryTests
{
    [Fact]
    [Assertion("TK-19")]
    public async Task Everything_that_happens_is_counted_and_no_tag_names_anybody()
    {
        var counted = new ConcurrentDictionary<string, double>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, listener) => { if (instrument.Meter.Name == Telemetry.Name) listener.EnableMeasurementEvents(instrument); } };
        void Count<T>(Instrument instrument, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state) where T : struct, IConvertible =>
            counted.AddOrUpdate($"{instrument.Name} {string.Join(' ', tags.ToArray().Select(tag => tag.Value))}".TrimEnd(), value.ToDouble(null), (_, before) => before + value.ToDouble(null));
        listener.SetMeasurementEventCallback<long>(Count);
        listener.SetMeasurementEventCallback<int>(Count);
        listener.SetMeasurementEventCallback<double>(Count);
        listener.Start();

        await using var server = await RunningServer.StartAsync(configure: options => options.RefusalsPerMinute = 6);
        var client = await server.AddClientAsync();
        using var person = server.NewPerson();
        var request = new AuthorizeUrl(server, client).Set("scope", "openid offline_access");
        var form = await person.SignInFormAsync(request);
        await person.PostOnceAsync(form, [("username", "nobody"), ("password", "wrong password")]);
        var code = (await person.AuthorizeAsync(request))["code"];
        var tokens = await server.RedeemAsync(client, request, code);
        await server.RefreshAsync(client, tokens.Text("refresh_token"));
        await server.RedeemAsync(client, request, code);
        await server.RevokeAsync(client, (await server.SignInAsync(client, "openid offline_access")).Text("refresh_token"));
        for (var i = 0; i < 7; i++) await server.RefreshAsync(client, "none of ours");

        double Of(string name) => counted.GetValueOrDefault(name);
        Of("proofkey.sign_ins ok").ShouldBe(2);
        Of("proofkey.sign_ins failed").ShouldBe(1);
        Of("proofkey.codes").ShouldBe(2);
        Of("proofkey.tokens authorization_code").ShouldBe(2);
        Of("proofkey.tokens refresh_token").ShouldBe(1);
        Of("proofkey.refusals /token invalid_grant").ShouldBe(6);
        Of("proofkey.reuses code").ShouldBe(1);
        Of("proofkey.revocations").ShouldBe(1);
        Of("proofkey.rate_limited /token").ShouldBe(2);
        Of("proofkey.password_hashes").ShouldBe(0, "whoever came has gone");
        Of("proofkey.database.commit.duration").ShouldBeGreaterThan(0);
        Of("proofkey.database.batch.size").ShouldBeGreaterThan(3);
        var all = string.Join('\n', counted.Keys);
        foreach (var secret in (string[])[client.Id, code, tokens.Text("refresh_token"), RunningServer.UserName, "127.0.0.1", request.State, request.Verifier.Reveal()]) all.ShouldNotContain(secret);
    }

    [Fact]
    [Assertion("TK-19")]
    public async Task A_trace_shows_the_way_of_a_request_and_nothing_that_it_carried()
    {
        var ended = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener { ShouldListenTo = source => source.Name == Telemetry.Name, Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData, ActivityStopped = ended.Enqueue };
        ActivitySource.AddActivityListener(listener);
        await using var server = await RunningServer.StartAsync(issuerPath: "/auth");
        var client = await server.AddClientAsync();
        using var person = server.NewPerson();
        var request = new AuthorizeUrl(server, client);
        var code = (await person.AuthorizeAsync(request))["code"];
        await server.RedeemAsync(client, request, code);
        await server.RefreshAsync(client, "none of ours");

        // Kestrel answers before its handler has ended; one more request comes after that.
        await server.RefreshAsync(client, "none of ours");
        var names = ended.Select(activity => activity.OperationName).Distinct().ToList();
        foreach (var name in (string[])["GET /auth/authorize", "POST /auth/signin", "POST /auth/token", "database write"]) names.ShouldContain(name);
        ended.ShouldContain(activity => activity.OperationName == "POST /auth/token" && (string?)activity.GetTagItem("error.type") == "invalid_grant");
        ended.Where(activity => activity.OperationName == "database write").ShouldContain(write => ended.Any(parent => parent.SpanId == write.ParentSpanId));
        var all = string.Join('\n', ended.Select(activity => $"{activity.DisplayName} {string.Join(' ', activity.TagObjects)}"));
        foreach (var secret in (string[])[client.Id, code, RunningServer.UserName, request.State, request.Verifier.Reveal(), request.Verifier.Challenge.ToString()]) all.ShouldNotContain(secret);
    }
}

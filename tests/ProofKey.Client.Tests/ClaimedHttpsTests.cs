namespace ProofKey.Client.Tests;

/// <summary>An https address that the system opens the app for (RFC 8252 section 7.2): the program hands over what it was opened with.</summary>
public sealed class ClaimedHttpsTests
{
    private const string Registered = "https://app.example.com/signed/in";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, Func<string, string>> Foreign => new()
    {
        { "another host", right => right.Replace("app.example.com", "app.example.com.evil.example", StringComparison.Ordinal) },
        { "a host above it", right => right.Replace("app.example.com", "example.com", StringComparison.Ordinal) },
        { "a user name before the host", right => right.Replace("app.example.com", "evil@app.example.com", StringComparison.Ordinal) },
        { "another port", right => right.Replace("app.example.com", "app.example.com:8443", StringComparison.Ordinal) },
        { "another path", right => right.Replace("/signed/in", "/signed/out", StringComparison.Ordinal) },
        { "a longer path", right => right.Replace("/signed/in", "/signed/in/", StringComparison.Ordinal) },
        { "a path in capital letters", right => right.Replace("/signed/in", "/Signed/In", StringComparison.Ordinal) },
        { "http", right => right.Replace("https:", "http:", StringComparison.Ordinal) },
        { "a scheme of an app", right => right.Replace("https:", "com.example.app:", StringComparison.Ordinal) },
        { "its answer in the fragment", right => right.Replace('?', '#') },
        { "no answer", _ => Registered },
        { "another state", right => right.Replace("state=", "state=x", StringComparison.Ordinal) },
        { "no state", right => right.Replace("state=", "status=", StringComparison.Ordinal) },
        { "a second state", right => right + "&state=x" },
    };

    [Theory, MemberData(nameof(Foreign))]
    [Assertion("CL-01")]
    [Rfc("RFC 8252", "7.2")]
    public async Task What_is_not_the_answer_to_this_sign_in_is_rejected_and_the_right_one_still_counts(string what, Func<string, string> spoil)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = ClientOf(server);
        await using var pending = await client.BeginAsync(Cancel);
        var right = await SignInTests.CallbackOfAsync(pending);
        var wrong = new Uri(spoil(right.OriginalString));
        wrong.OriginalString.ShouldNotBe(right.OriginalString);

        (await pending.EndAsync(wrong, Cancel)).ShouldBeOfType<SignInResult.Rejected>(what).Violation.Code.ShouldBe("callback_not_ours");
        server.TokenRequests.ShouldBeEmpty();

        (await pending.EndAsync(right, Cancel)).ShouldBeOfType<SignInResult.SignedIn>().Session.Subject.ShouldBe("alice");
    }

    [Theory]
    [InlineData("https://app.example.com/", "https://APP.example.com:443/")]
    [InlineData("&iss=", "&utm_source=mail&iss=")]
    [InlineData("", "#_=_")]
    [Rfc("RFC 8252", "7.2")]
    public async Task It_completes_also_where_the_address_is_written_another_way_or_has_more_to_it(string from, string to)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = ClientOf(server);
        await using var pending = await client.BeginAsync(Cancel);
        var answer = (await SignInTests.CallbackOfAsync(pending)).OriginalString;
        answer.ShouldStartWith(Registered + "?code=");

        var callback = new Uri(from.Length == 0 ? answer + to : answer.Replace(from, to, StringComparison.Ordinal));
        var session = (await pending.EndAsync(callback, Cancel)).ShouldBeOfType<SignInResult.SignedIn>().Session;

        session.Subject.ShouldBe("alice");
        server.AuthorizeRequests.Single()["redirect_uri"].ShouldBe(Registered);
        server.TokenRequests.Single()["redirect_uri"].ShouldBe(Registered);
        (await client.FindSessionAsync(Cancel))!.Stored.Id.ShouldBe(session.Stored.Id);
        await Should.ThrowAsync<InvalidOperationException>(() => pending.EndAsync(callback, Cancel));
    }

    private static PublicClient ClientOf(ScriptedServer server) => new(server.Options() with { Redirect = new Redirect.ClaimedHttps(RedirectUri.Parse(Registered)) });
}

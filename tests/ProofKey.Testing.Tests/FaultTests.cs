namespace ProofKey.Testing.Tests;

/// <summary>Each fault leads to the code that it says, and to no session.</summary>
public sealed class FaultTests
{
    public static TheoryData<string> Names => [.. Fault.All.Select(fault => fault.Name)];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Names))]
    public async Task A_fault_leads_to_its_code_and_to_no_session_and_is_gone_when_it_is_mended(string name)
    {
        var fault = Fault.All.Single(fault => fault.Name == name);
        var vault = new MemoryVault();
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        var options = server.Options(browser) with { Store = vault.Store, RequestTimeout = TimeSpan.FromSeconds(fault == Fault.NoAnswer ? 2 : 30) };

        server.Break(fault);
        await using (var client = new PublicClient(options))
        {
            var refused = (await Record.ExceptionAsync(() => client.GetSessionAsync(Cancel))).ShouldBeAssignableTo<ClientException>();
            refused!.Code.ShouldBe(fault.Code);
            vault.Holds().ShouldBeFalse();
        }

        server.Mend();
        await using var again = new PublicClient(options with { RequestTimeout = TimeSpan.FromSeconds(30) });
        (await again.GetSessionAsync(Cancel)).Subject.ShouldBe("alice");
    }

    [Fact]
    public void Faults_have_names_of_their_own() => Fault.All.Select(fault => fault.Name).ShouldBeUnique();

    [Fact]
    public async Task Everything_is_right_again_when_it_is_mended()
    {
        await using var server = await ScriptedServer.StartAsync();
        (server.SpoilPushed, server.PushedError, server.Posts, server.IdTokenType, server.GivesRefreshTokens) = (_ => { }, _ => "invalid_request", false, null, false);

        server.Mend();

        (server.SpoilPushed, server.PushedError, server.Posts, server.IdTokenType, server.GivesRefreshTokens).ShouldBe((null, null, true, "JWT", true));
    }

    [Fact]
    [Assertion("RT-15")]
    public async Task An_answer_that_is_lost_leaves_a_token_that_is_spent()
    {
        var vault = new MemoryVault();
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = vault.Store });
        var session = await client.GetSessionAsync(Cancel);
        server.Time.Shift += TimeSpan.FromHours(1);
        server.Break(Fault.LostAnswer);

        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("no_connection");
        vault.Holds().ShouldBeTrue();
        (await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("renewal_interrupted");

        server.Reuses.ShouldBe(1, "this server has no leeway");
        server.TokenRequests.Count(request => request["grant_type"] == "refresh_token").ShouldBe(2);
    }

    [Fact]
    public async Task As_many_answers_are_lost_as_were_asked_for()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var http = new HttpClient();
        server.LoseAnswers("/jwks", times: 2);

        await Should.ThrowAsync<HttpRequestException>(() => http.GetStringAsync(server.At("/jwks"), Cancel));
        await Should.ThrowAsync<HttpRequestException>(() => http.GetStringAsync(server.At("/jwks"), Cancel));
        (await http.GetStringAsync(server.At("/jwks"), Cancel)).ShouldContain("\"keys\"");
    }
}

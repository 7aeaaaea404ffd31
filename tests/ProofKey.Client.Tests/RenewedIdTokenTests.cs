using System.Text;
using ProofKey.Jose;

namespace ProofKey.Client.Tests;

/// <summary>The ID token of a renewal passes every check that one of a sign-in passes: that it came straight from the server stands in for none of them.</summary>
public sealed class RenewedIdTokenTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, Action<ScriptedServer>> Wrong => new()
    {
        { "id_token_algorithm", server => server.Break(Fault.AlgorithmNone) },
        { "id_token_signature", server => server.Break(Fault.ForgedSignature) },
        { "id_token_signature", server => server.SpoilIdTokenText = SignedByAStranger },
        { "id_token_unknown_key", server => server.SpoilIdTokenText = token => SignedByAStranger($"{Base64UrlText.Encode("""{"alg":"ES256","kid":"another"}"""u8)}.{token.Split('.')[1]}.") },
        { "id_token_expired", server => server.Break(Fault.ExpiredIdToken) },
        { "id_token_iat", server => server.SpoilIdToken = claims => claims["iat"] = 4_102_444_800 },
        { "id_token_at_hash", server => server.SpoilIdToken = claims => claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" },
        { "id_token_type", server => server.IdTokenType = "at+jwt" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    [Assertion("CL-04")]
    [Assertion("RT-14")]
    [Rfc("OpenID Connect Core", "12.2")]
    public async Task One_that_a_sign_in_would_be_refused_for_is_refused_and_the_session_goes_on_with_the_new_refresh_token(string code, Action<ScriptedServer> spoil)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = folder.Store });
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        var before = session.Stored;
        server.Time.Shift = TimeSpan.FromMinutes(11);
        spoil(server);

        (await Should.ThrowAsync<ProtocolViolationException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe(code);

        var kept = (await folder.SessionAsync())!;
        (kept.Id, kept.AccessToken, kept.ExpiresAt, session.Subject).ShouldBe((before.Id, before.AccessToken, before.ExpiresAt, "alice"));
        kept.RefreshToken.ShouldNotBe(before.RefreshToken);
        server.Mend();
        (await session.GetAccessTokenAsync(cancel: Cancel)).Reveal().ShouldNotBe(before.AccessToken);
        server.TokenRequests.Last()["refresh_token"].ShouldBe(kept.RefreshToken);
        server.Reuses.ShouldBe(0);
    }

    private static string SignedByAStranger(string token)
    {
        using var stranger = SigningKey.New(SignatureAlgorithm.ES256);
        var signed = token[..token.LastIndexOf('.')];
        return $"{signed}.{Base64UrlText.Encode(stranger.Sign(Encoding.ASCII.GetBytes(signed)))}";
    }
}

namespace ProofKey.Client.Tests;

/// <summary>A program that asks the person in its own way ends as <see cref="PublicClient.GetSessionAsync(CancellationToken)"/> does.</summary>
public sealed class SessionOrThrowTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_signed_in_has_the_session()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options());
        await using var pending = await client.BeginAsync(SignInRoad.Paste, Cancel);

        var result = await pending.EndAsync(await SignInTests.CallbackOfAsync(pending), Cancel);

        result.SessionOrThrow().ShouldBeSameAs(result.ShouldBeOfType<SignInResult.SignedIn>().Session);
    }

    [Theory]
    [InlineData(CancelReason.TimedOut, SignInRequiredReason.TimedOut, "timed_out")]
    [InlineData(CancelReason.UserDenied, SignInRequiredReason.UserDenied, "user_denied")]
    public void Who_did_not_finish_or_said_no_has_to_sign_in(CancelReason ended, SignInRequiredReason reason, string code)
    {
        var thrown = Should.Throw<SignInRequiredException>(new SignInResult.Cancelled(ended).SessionOrThrow);

        (thrown.Reason, thrown.Code, thrown.Error).ShouldBe((reason, code, null));
    }

    [Fact]
    public void What_the_server_refused_comes_with_its_words()
    {
        var refused = new SignInResult.Refused(new OAuthError("invalid_scope", "No such scope."));

        var thrown = Should.Throw<SignInRequiredException>(refused.SessionOrThrow);

        (thrown.Reason, thrown.Code, thrown.Error, thrown.Remedy).ShouldBe((SignInRequiredReason.Refused, "refused", refused.Error, refused.Remedy));
    }

    [Fact]
    public void A_server_that_was_away_is_the_very_problem()
    {
        var away = new AuthorizationServerUnavailableException("timeout", "a code", "nothing came", "Try again later.");

        Should.Throw<AuthorizationServerUnavailableException>(new SignInResult.Unavailable(true, away).SessionOrThrow).ShouldBeSameAs(away);
    }

    [Fact]
    public void An_answer_against_the_protocol_is_the_very_violation()
    {
        var violation = new ProtocolViolation("issuer_mismatch", "the issuer", "another one came", "Tell whoever runs the server.");

        Should.Throw<ProtocolViolationException>(new SignInResult.Rejected(violation).SessionOrThrow).Violation.ShouldBe(violation);
    }
}

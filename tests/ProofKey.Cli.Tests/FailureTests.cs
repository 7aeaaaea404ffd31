using System.Net.Sockets;

namespace ProofKey.Cli.Tests;

/// <summary>The map from endings to exit codes, where a real run would take minutes or a broken disk.</summary>
public sealed class FailureTests
{
    [Fact]
    public void Every_ending_of_a_sign_in_has_its_exit_code()
    {
        Failure.Of(new SignInResult.Cancelled(CancelReason.TimedOut))!.ExitCode.ShouldBe(3);
        Failure.Of(new SignInResult.Cancelled(CancelReason.UserDenied))!.ExitCode.ShouldBe(9);
        Failure.Of(new SignInResult.Cancelled(CancelReason.UserDenied))!.Help.ShouldBe("docs/errors/user_denied.md");
        Failure.Of(new SignInResult.Cancelled(CancelReason.TimedOut))!.Help.ShouldBe("docs/errors/timed_out.md");
        Failure.Of(new SignInResult.Refused(OAuthError.InvalidRequest("No.")))!.ExitCode.ShouldBe(5);
        Failure.Of(new SignInResult.Rejected(new ProtocolViolation("issuer_mismatch", "this issuer", "another came", "Tell the operator.")))!.ExitCode.ShouldBe(7);
    }

    [Fact]
    public void A_closed_window_is_explained() =>
        Failure.Of(new SignInResult.Cancelled(CancelReason.TimedOut))!.Remedy.ShouldContain("window open");

    [Fact]
    public void A_session_that_only_lacks_a_refresh_token_is_not_told_to_sign_in_again()
    {
        var failure = Failure.Of(new SignInRequiredException(SignInRequiredReason.NoRefreshToken, "a refresh token", "there is none", "Ask for offline_access."));
        (failure.ExitCode, failure.Problem).ShouldBe((ExitCodes.Failed, "Expected a refresh token, but there is none."));
        failure.Remedy.ShouldStartWith("Ask for offline_access.");
    }

    [Theory]
    [InlineData("dpop_not_advertised")]
    [InlineData("token_not_bound")]
    public void What_the_library_says_of_its_options_is_said_of_those_that_are_typed(string code) =>
        Failure.Of(new SignInResult.Rejected(new ProtocolViolation(code, "a bound token", "there is none", "Say DpopUse.Never.")))!.Remedy.ShouldContain("--dpop=false");

    [Theory]
    [InlineData(TokenStoreState.Missing, KeychainKey.OrFile, "--store file")]
    [InlineData(TokenStoreState.Missing, KeychainKey.AtAnotherPlace, "(-p)")]
    [InlineData(TokenStoreState.OtherBackend, "Move the session by TokenStore.MoveAsync.", "proofkey store move")]
    public void What_the_library_says_of_its_stores_is_said_of_options_and_commands(TokenStoreState state, string remedy, string said)
    {
        var failure = Failure.Of(new TokenStoreException(state, "/sessions/default.vault", "the key", "there is none", $"Install gnome-keyring. {remedy}"));

        failure.Remedy.ShouldContain(said);
        foreach (var word in (string[])["TokenStore", "ClientOptions"]) failure.Remedy.ShouldNotContain(word);
    }

    [Fact]
    public void A_missing_proof_has_one_remedy_whichever_endpoint_asks_for_it()
    {
        var error = new OAuthError("invalid_dpop_proof", "A proof is needed.");
        var (pushed, redeemed) = (Failure.Of(new SignInRequiredException(SignInRequiredReason.Refused, error)), Failure.Of(new SignInResult.Refused(error))!);
        pushed.ExitCode.ShouldBe(redeemed.ExitCode);
        pushed.Remedy.ShouldContain("--dpop");
        redeemed.Remedy.ShouldBe(pushed.Remedy);
    }

    [Fact]
    public void A_connection_that_ends_while_it_is_made_is_no_fault_of_ours()
    {
        var failure = Failure.Of(new SocketException((int)SocketError.ConnectionReset));
        (failure.ExitCode, failure.Problem).ShouldBe((ExitCodes.Unavailable, "The server could not be reached (ConnectionReset)."));
    }

    [Fact]
    public void A_fault_of_ours_is_one_sentence_without_a_stack_trace()
    {
        var failure = Failure.Of(new InvalidOperationException("The moon is full."));
        failure.ExitCode.ShouldBe(1);
        failure.Problem.ShouldBe("proofkey met a fault of its own: InvalidOperationException, The moon is full.");
    }

    [Fact]
    public void A_cancellation_has_nothing_to_mend() => Failure.Of(new OperationCanceledException()).ShouldBe(new Failure(9, "Cancelled.", ""));
}

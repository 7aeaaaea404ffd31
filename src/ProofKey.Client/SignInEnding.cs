namespace ProofKey.Client;

/// <summary>Tells of the end of a sign-in, whatever it is: every one that began to wait is counted once.</summary>
internal static class SignInEnding
{
    /// <summary>Carries a sign-in to its end.</summary>
    /// <returns>How it ended, with the remedy that helps at this server.</returns>
    public static async Task<SignInResult> ToldAsync(ClientOptions options, Func<Task<SignInResult>> signIn)
    {
        try
        {
            var result = await signIn();
            if (result is SignInResult.Refused refused) result = refused.At(options.Issuer);
            Tell(options, result.Outcome, result is SignInResult.SignedIn);
            return result;
        }
        catch (Exception failed)
        {
            Tell(options, OutcomeOf(failed), isGood: false);
            throw;
        }
    }

    private static void Tell(ClientOptions options, string outcome, bool isGood)
    {
        Spans.Current.End(outcome, isGood);
        options.Emit(new ClientEvent.SignInEnded(outcome));
    }

    private static string OutcomeOf(Exception failed) => failed switch
    {
        ClientException problem => problem.Code,
        OperationCanceledException => "cancelled",
        _ => "failed",
    };
}

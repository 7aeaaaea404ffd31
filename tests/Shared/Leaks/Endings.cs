
namespace ProofKey.Tests.Leaks;

/// <summary>Ends sign-ins as <c>CompleteAsync</c> does, with <see cref="SuiteWitness"/> as a witness of what came of it.</summary>
internal static class Endings
{
    public static Task<SignInResult> EndAsync(this PendingSignIn pending, CancellationToken cancel) => WitnessedAsync(pending, pending.CompleteAsync(cancel));

    public static Task<SignInResult> EndAsync(this PendingSignIn pending, Uri callback, CancellationToken cancel) => WitnessedAsync(pending, pending.CompleteAsync(callback, cancel));

    public static Task<SignInResult> EndAsync(this PendingSignIn pending, string pasted, CancellationToken cancel) => WitnessedAsync(pending, pending.CompleteAsync(pasted, cancel));

    public static Task<SignInResult> EndAsync(this DeviceSignIn device, CancellationToken cancel) => WitnessedAsync(device, device.CompleteAsync(cancel));

    private static async Task<SignInResult> WitnessedAsync(object signIn, Task<SignInResult> ending)
    {
        var witness = SuiteWitness.OfThisSuite;
        witness.Said("object", signIn);
        var result = await ending;
        witness.Said("result", result);
        witness.Said("result", result switch
        {
            SignInResult.SignedIn { Session: var session } => session,
            SignInResult.Refused { Error: var error } => error,
            SignInResult.Unavailable { Problem: var problem } => problem,
            SignInResult.Rejected { Violation: var violation } => violation,
            _ => result.Outcome,
        });
        return result;
    }
}

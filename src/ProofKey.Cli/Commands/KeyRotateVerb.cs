using System.CommandLine;
using ProofKey.Server;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey key rotate</c>: gives the signing keys their successors, or replaces every key on the day that one has leaked.</summary>
internal sealed class KeyRotateVerb : Verb
{
    private static readonly string Seconds = $"{KeyRegistry.NoticedWithin.TotalSeconds:F0} seconds";

    private readonly Option<bool> _now = new("--now") { Description = "Sign with the new keys at once, not a day after they were published." };
    private readonly Option<bool> _revokeAll = new("--revoke-all") { Description = "A key has leaked: replace every key at once, and end every session, code and token." };
    private readonly Option<bool> _yes = new("--yes") { Description = "Do not ask whether --revoke-all is meant." };

    public KeyRotateVerb()
        : base(
            "rotate",
            "Make new signing keys now, instead of on schedule; a running server goes on.",
            "proofkey key rotate",
            "proofkey key rotate --now",
            "proofkey key rotate --revoke-all --yes")
    {
        foreach (var option in (Option[])[_now, _revokeAll, _yes, .. CommonOptions.Place, CommonOptions.Json]) Add(option);
    }

    public override IReadOnlyList<Option> TypedAlone => [_now, _revokeAll, _yes];

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var (now, revokeAll) = (invocation.Settings.Flag(_now), invocation.Settings.Flag(_revokeAll));
        if (now && revokeAll) throw CommandException.Usage("--revoke-all uses the new keys at once in any case.", "Leave --now out.");
        if (revokeAll && !invocation.Settings.Flag(_yes)) await ConfirmAsync(invocation);
        await using var administration = await invocation.AdministerAsync();
        if (revokeAll) await administration.Keys.RevokeAllAsync(invocation.Cancellation);
        else await administration.Keys.RotateAsync(now, invocation.Cancellation);
        foreach (var line in Explanation(now, revokeAll)) invocation.Terminal.Say(line);
        KeyListVerb.Print(await administration.Keys.ListAsync(invocation.Cancellation), invocation);
        return ExitCodes.Done;
    }

    private static string[] Explanation(bool now, bool revokeAll) => (now, revokeAll) switch
    {
        (_, true) =>
        [
            $"Every key is new, and every session, code and token of the old ones is dead. A running server follows within {Seconds}.",
            "APIs that check tokens by themselves refuse the old ones when they fetch the keys again: after an hour at most.",
            "If the root key may have leaked too, give the server a new data folder: whoever has the root key reads the new keys as well.",
        ],
        (true, _) =>
        [
            $"The new keys are in use; a running server follows within {Seconds}. What was signed before stays good.",
            "Clients and APIs that keep the public keys refuse new tokens until they fetch them again: most do so when they meet a new key id, the others after an hour.",
        ],
        _ => [$"The new keys are published within {Seconds} by a running server, and in use from the time below. What was signed before stays good."],
    };

    private static async Task ConfirmAsync(Invocation invocation)
    {
        if (!invocation.Terminal.CanAsk) throw CommandException.Usage("--revoke-all signs everybody out of everything, and there is no terminal to ask whether it is meant.", "Add --yes.");
        invocation.Terminal.Error.Write("This signs everybody out of everything and cannot be undone. Type yes to go on: ");
        // Reading a line knows no cancellation, and Ctrl-C is to work at once.
        var answer = await Task.Run(Console.ReadLine, invocation.Cancellation).WaitAsync(invocation.Cancellation);
        if (answer?.Trim() != "yes") throw new CommandException(ExitCodes.Cancelled, "Nothing was changed.", "");
    }
}

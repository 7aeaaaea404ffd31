using System.Text.RegularExpressions;

namespace EndToEnd;

/// <summary>What a program of ours says to people and logs, all of which is looked through for secrets (<see cref="SuiteWitness"/>).</summary>
/// <param name="name">What it is called when something is found.</param>
/// <param name="printsASecret">Whether its output is a token or a secret that was asked for; nothing else it says is.</param>
public sealed partial class Voice(string name, bool printsASecret = false)
{
    // The person takes the address to a browser, with the state and the nonce in it.
    [GeneratedRegex(@"(?<=/auth(?:orize)?\?\S*(?:state|nonce)=)[^&\s]+")]
    private static partial Regex InTheAddressOfARequest { get; }

    /// <summary>Hears a line of its output.</summary>
    public void Printed(string line)
    {
        if (!printsASecret) Say("stdout", line);
    }

    /// <summary>Hears a line of its errors and of its log.</summary>
    public void Said(string line) => Say("stderr", line);

    private void Say(string stream, string line) => SuiteWitness.OfThisSuite.Said($"{stream} of {name}", InTheAddressOfARequest.Replace(line, "…"));
}

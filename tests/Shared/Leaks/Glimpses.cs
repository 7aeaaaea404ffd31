namespace ProofKey.Tests.Leaks;

/// <summary>
/// What stands in texts, a few characters in a row each. A suite makes so many secrets that what all of them could look like is too much to remember, and hardly
/// a piece of them stands in any text: the search needs to know those alone.
/// </summary>
internal sealed class Glimpses
{
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    public Glimpses(IEnumerable<string> texts)
    {
        var seen = _seen.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var text in texts)
            for (var i = 0; i + LeakSearch.Piece <= text.Length; i++) seen.Add(text.AsSpan(i, LeakSearch.Piece));
    }

    /// <summary>Whether a piece of a secret stands in one of the texts; what is shorter than a piece is looked for in any case.</summary>
    public bool Hold(string secret) => LeakSearch.Forms(secret).Any(form => form.Text.Length < LeakSearch.Piece || HoldPieceOf(form.Text));

    private bool HoldPieceOf(string form)
    {
        var seen = _seen.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var i = 0; i + LeakSearch.Piece <= form.Length; i += LeakSearch.Step)
            if (seen.Contains(form.AsSpan(i, LeakSearch.Piece))) return true;
        return false;
    }
}

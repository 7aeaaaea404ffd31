using System.Globalization;

namespace ProofKey.Client;

/// <summary>Where the answer of a sign-in comes in (RFC 8252 section 7). A closed set; <see cref="LoopbackAnyPort"/> is right almost everywhere.</summary>
public abstract record Redirect
{
    private Redirect()
    {
    }

    /// <summary>A listener of this client on 127.0.0.1 and [::1], for as long as the sign-in takes (RFC 8252 section 7.3).</summary>
    public abstract record Loopback : Redirect
    {
        private protected Loopback()
        {
        }

        /// <summary>The path; default <c>/callback</c>.</summary>
        public string Path { get; init; } = "/callback";

        /// <summary>
        /// Says <c>localhost</c> in place of <c>127.0.0.1</c>, for a server that takes no address. The name may be resolved elsewhere
        /// (RFC 8252 section 8.3), so the default is <see langword="false"/>.
        /// </summary>
        public bool UseLocalhost { get; init; }

        // In the order in which they are tried; 0 stands for a free one.
        internal abstract IReadOnlyList<int> Candidates { get; }

        internal string Address(int port) => string.Create(CultureInfo.InvariantCulture, $"http://{(UseLocalhost ? "localhost" : "127.0.0.1")}:{port}{Path}");

        // Ports differ from one sign-in to the next, and a server that is after another one's codes picks the name of the host.
        internal override string Place => $"http://127.0.0.1{Path}";

        internal override IEnumerable<string> Problems()
        {
            if (!IsPath(Path)) yield return "Redirect.Path starts with a slash and holds letters, digits, '-', '.', '_', '~' and '/' only.";
        }

        private static bool IsPath(string path) =>
            path is ['/', ..] && path.All(character => char.IsAsciiLetterOrDigit(character) || character is '/' or '-' or '.' or '_' or '~') && !path.StartsWith("//", StringComparison.Ordinal);
    }

    /// <summary>A free port that the system picks, different each time. The default.</summary>
    public sealed record LoopbackAnyPort : Loopback
    {
        internal override IReadOnlyList<int> Candidates => [0];
    }

    /// <summary>One port, for a server that does not follow RFC 8252 section 7.3 and compares it.</summary>
    /// <param name="Port">1 to 65535, as it is registered.</param>
    public sealed record LoopbackPort(int Port) : Loopback
    {
        internal override IReadOnlyList<int> Candidates => [Port];

        internal override IEnumerable<string> Problems() => base.Problems().Concat(PortProblems(Candidates));
    }

    /// <summary>The first port of a list that is free, for such a server with several addresses registered.</summary>
    /// <param name="Ports">Each 1 to 65535, in the order in which they are tried.</param>
    public sealed record LoopbackPorts(IReadOnlyList<int> Ports) : Loopback
    {
        internal override IReadOnlyList<int> Candidates => Ports;

        internal override IEnumerable<string> Problems() => base.Problems().Concat(PortProblems(Ports));
    }

    /// <summary>
    /// An app's own scheme, such as <c>com.example.app:/callback</c> (RFC 8252 section 7.1). The program receives the answer itself and
    /// hands it to <see cref="PendingSignIn.CompleteAsync(Uri, CancellationToken)"/>.
    /// </summary>
    /// <param name="Uri">The address, as it is registered.</param>
    public sealed record PrivateUse(RedirectUri Uri) : Redirect
    {
        internal override RedirectUri Own => Uri;

        internal override string Place => Uri.Value;

        internal override IEnumerable<string> Problems() => Uri?.Kind == RedirectUriKind.PrivateUse ? [] : ["Redirect.PrivateUse takes an address such as com.example.app:/callback."];
    }

    /// <summary>An https address that the system opens the app for (RFC 8252 section 7.2); the answer is handed over as with <see cref="PrivateUse"/>.</summary>
    /// <param name="Uri">The address, as it is registered.</param>
    public sealed record ClaimedHttps(RedirectUri Uri) : Redirect
    {
        internal override RedirectUri Own => Uri;

        internal override string Place => Uri.Value;

        internal override IEnumerable<string> Problems() => Uri?.Kind == RedirectUriKind.Https ? [] : ["Redirect.ClaimedHttps takes an https address."];
    }

    // The address of a program that receives its answer itself.
    internal virtual RedirectUri? Own => null;

    // What two servers share that answer at the same one.
    internal abstract string Place { get; }

    internal abstract IEnumerable<string> Problems();

    private static IEnumerable<string> PortProblems(IReadOnlyList<int> ports) =>
        ports is { Count: > 0 } && ports.All(port => port is > 0 and <= 65535) ? [] : ["Redirect needs one port or more, each from 1 to 65535."];
}

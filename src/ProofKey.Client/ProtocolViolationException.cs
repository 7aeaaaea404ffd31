namespace ProofKey.Client;

/// <summary>What a server did that the protocol forbids, so that this client stopped.</summary>
/// <param name="Code">A stable name in small letters, such as <c>id_token_nonce</c>.</param>
/// <param name="Expected">What should have come, as a part of a sentence.</param>
/// <param name="Actual">What came, as a part of a sentence; never a secret.</param>
/// <param name="Remedy">What to do about it.</param>
public sealed record ProtocolViolation(string Code, string Expected, string Actual, string Remedy)
{
    /// <summary>The page about <see cref="Code"/> in the repository of this library.</summary>
    public string Help => ErrorPages.Of(Code);
}

/// <summary>The server answered against the protocol, and going on would not be safe. Trying again does not help.</summary>
public sealed class ProtocolViolationException : ClientException
{
    internal const string TellTheOperator = "Tell whoever runs the server, or check the issuer's address.";

    internal ProtocolViolationException(ProtocolViolation violation, Exception? inner = null)
        : base(violation.Code, violation.Expected, violation.Actual, violation.Remedy, inner) => Violation = violation;

    internal ProtocolViolationException(string code, string expected, string actual, string remedy = TellTheOperator, Exception? inner = null)
        : this(new ProtocolViolation(code, expected, actual, remedy), inner)
    {
    }

    /// <summary>What the server did.</summary>
    public ProtocolViolation Violation { get; }
}

using Xunit.v3;

namespace ProofKey.Tests;

/// <summary>Names the numbered security assertion that a test proves, e.g. <c>PK-07</c>.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class, AllowMultiple = true)]
public sealed class AssertionAttribute(string id) : Attribute, ITraitAttribute
{
    public string Id { get; } = id;

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("Assertion", Id)];
}

/// <summary>Names the section whose rule a test proves, e.g. <c>[Rfc("RFC 7636", "4.6")]</c>.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class, AllowMultiple = true)]
public sealed class RfcAttribute(string document, string section) : Attribute, ITraitAttribute
{
    public string Document { get; } = document;

    public string Section { get; } = section;

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("Rfc", $"{Document} {Section}")];
}

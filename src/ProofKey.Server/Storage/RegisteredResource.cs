namespace ProofKey.Server.Storage;

/// <summary>An API that access tokens can be for (RFC 8707), with the scopes that it knows.</summary>
public sealed record RegisteredResource
{
    /// <summary>Its address, which is the <c>aud</c> of its tokens to the character.</summary>
    public required string Address { get; init; }

    /// <summary>What people call it.</summary>
    public required string Name { get; init; }

    /// <summary>The scopes that belong to it: no token for another registered API has them, unless they belong to that one too.</summary>
    public required Scope Scope { get; init; }

    /// <summary>When it was registered.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}

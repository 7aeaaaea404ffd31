namespace ProofKey.Client;

/// <summary>Whether the tokens of a session are bound to a key of its own, so that a copied token is worth nothing (RFC 9449).</summary>
public enum DpopUse
{
    /// <summary>Bound where the server's metadata say that it binds by ES256, bearer tokens elsewhere. The default.</summary>
    WhenAdvertised,

    /// <summary>Bound; a server whose metadata do not say that it can is refused.</summary>
    Always,

    /// <summary>Bearer tokens, for a program that hands its tokens to others or calls APIs that take no bound ones.</summary>
    Never,
}

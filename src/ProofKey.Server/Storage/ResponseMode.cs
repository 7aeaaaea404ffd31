namespace ProofKey.Server.Storage;

/// <summary>How an authorization answer travels back (OAuth 2.0 Multiple Response Type Encoding Practices section 2.1).</summary>
internal static class ResponseMode
{
    public const string Query = "query";
    public const string FormPost = "form_post";

    /// <summary>Only for clients that are registered for it (decision 0010).</summary>
    public const string Fragment = "fragment";

    /// <summary>All that a client can be registered for.</summary>
    public static readonly IReadOnlyList<string> Known = [Query, FormPost, Fragment];

    /// <summary>What a client may ask for when its registration names nothing; the metadata names these.</summary>
    public static readonly IReadOnlyList<string> Default = [Query, FormPost];
}

namespace ProofKey.Server.Storage;

/// <summary>How an authorization answer travels back (OAuth 2.0 Multiple Response Type Encoding Practices section 2.1).</summary>
internal static class ResponseMode
{
    public const string Query = "query";
    public const string FormPost = "form_post";

    public static readonly IReadOnlyList<string> Default = [Query, FormPost];
}

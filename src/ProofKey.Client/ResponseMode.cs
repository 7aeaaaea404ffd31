namespace ProofKey.Client;

/// <summary>How the answer of the authorization endpoint travels back.</summary>
public enum ResponseMode
{
    /// <summary>
    /// <see cref="FormPost"/> where a loopback listener waits for it and the server's metadata list it, else <see cref="Query"/>. A server
    /// that then says <c>invalid_request</c> about <c>response_mode</c> is asked once more, for a query. The default.
    /// </summary>
    Automatic,

    /// <summary>In the query of a redirect (RFC 6749 section 4.1.2), so that it stands in the browser's address bar for a moment.</summary>
    Query,

    /// <summary>As a form that the browser posts (OAuth 2.0 Form Post Response Mode). A code that comes by GET is refused.</summary>
    FormPost,
}

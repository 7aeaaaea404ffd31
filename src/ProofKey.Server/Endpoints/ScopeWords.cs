using ProofKey.Server.Pages;

namespace ProofKey.Server.Endpoints;

/// <summary>What scopes allow, in words.</summary>
internal static class ScopeWords
{
    public static ScopeLine Line(string scope) => new(scope, scope switch
    {
        Scope.OpenId => "know who you are",
        Scope.Profile => "see your name",
        Scope.Email => "see your e-mail address",
        Scope.OfflineAccess => "stay signed in after you close the browser",
        _ => "act for you within",
    });
}

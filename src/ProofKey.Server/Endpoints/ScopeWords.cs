using ProofKey.Server.Pages;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>What scopes allow, in words: the operator's, or our own for those that every server has.</summary>
internal sealed class ScopeWords(ScopeStore scopes)
{
    /// <summary>The lines of a page that asks for scopes.</summary>
    public async ValueTask<IReadOnlyList<ScopeLine>> LinesAsync(Scope asked, CancellationToken cancellation)
    {
        var described = (await scopes.ListAsync(cancellation)).ToDictionary(scope => scope.Name, scope => scope.Words, StringComparer.Ordinal);
        return [.. asked.Values.Select(name => new ScopeLine(name, described.GetValueOrDefault(name) ?? Words(name), ConsentChoice.IsOptional(name)))];
    }

    private static string Words(string scope) => scope switch
    {
        Scope.OpenId => "know who you are",
        Scope.Profile => "see your name",
        Scope.Email => "see your e-mail address",
        Scope.OfflineAccess => "stay signed in after you close the browser",
        _ => "act for you within",
    };
}

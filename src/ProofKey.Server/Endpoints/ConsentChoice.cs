using ProofKey.Server.Pages;
using ProofKey.Server.Protocol;

namespace ProofKey.Server.Endpoints;

/// <summary>Which of the scopes that a client asks for a person agrees to: each optional one has a box on the page.</summary>
internal static class ConsentChoice
{
    /// <summary>The field that lists the scopes which had a box on the page.</summary>
    public const string OfferedField = "offered";

    /// <summary>What the page says to a form that is not the one it showed.</summary>
    public const string Problem = "Please look at the lines again, then choose one of the two buttons.";

    /// <summary>The field of a scope's box, which a browser sends only when it is ticked.</summary>
    public static string FieldOf(string scope) => $"scope:{scope}";

    /// <summary>Whether a person may agree to the rest without it.</summary>
    // OpenID Connect Core section 3.1.2.1: without openid it would be no sign-in
    public static bool IsOptional(string scope) => scope != Scope.OpenId;

    /// <summary>What a form is bound to: what asks, and what the page says of it. A name, a line or a scope that changed since is another question.</summary>
    // The person agrees to what they were shown, and to nothing else.
    public static byte[] About(byte[] asking, string clientName, IReadOnlyList<ScopeLine> lines)
    {
        var shown = new SealedPayload();
        shown.Write(asking);
        shown.Write(clientName);
        foreach (var line in lines)
        {
            shown.Write(line.Name);
            shown.Write(line.Description);
        }
        return Secret.Digest(shown.Written);
    }

    /// <summary>What was agreed to: everything that was asked for, but for what had a box that was not ticked.</summary>
    /// <returns><see langword="null"/> when the form has boxes, and does not say which ones were on the page: then nobody knows what was left out.</returns>
    // RFC 6749 section 3.3: the server may grant less than was asked for, by the person's wish
    public static Scope? Of(Scope asked, Parameters form)
    {
        if (!Scope.TryParse(form[OfferedField], out var offered)) return null;
        if (offered.IsEmpty && form.Pairs.Any(pair => pair.Key.StartsWith(FieldOf(""), StringComparison.Ordinal))) return null;
        return asked.Except(Scope.Parse(string.Join(' ', offered.Values.Where(scope => IsOptional(scope) && form[FieldOf(scope)] is null))));
    }
}

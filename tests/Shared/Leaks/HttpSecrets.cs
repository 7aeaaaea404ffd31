using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace ProofKey.Tests.Leaks;

/// <summary>What is secret in messages of HTTP as they go over a wire: in addresses, forms, pages, JSON, headers and cookies.</summary>
internal static partial class HttpSecrets
{
    private const string Names =
        "code|code_verifier|refresh_token|access_token|id_token|token|device_code|client_secret|client_assertion|assertion|subject_token|actor_token|id_token_hint|logout_token|password|state|nonce|form_token|step";

    /// <summary>Takes note of the secrets in messages.</summary>
    public static void Heard(this SuiteWitness witness, string messages)
    {
        foreach (var (name, value) in In(messages)) witness.Secret(name.Replace('_', ' '), WhatCounts(value));
        foreach (Match found in Client().Matches(messages)) witness.Known(WebUtility.UrlDecode(found.Groups[1].Value));
    }

    // A run has tens of thousands of tokens, and a token opens nothing without its signature, which is a tenth of it.
    private static string WhatCounts(string value) => value.StartsWith("eyJ", StringComparison.Ordinal) ? value[(value.LastIndexOf('.') + 1)..] : value;

    private static IEnumerable<(string Name, string Value)> In(string messages)
    {
        foreach (Match found in Parameter().Matches(messages)) yield return (found.Groups[1].Value, WebUtility.UrlDecode(found.Groups[2].Value));
        foreach (Match found in Field().Matches(messages)) yield return (found.Groups[1].Value, WebUtility.HtmlDecode(found.Groups[2].Value));
        foreach (Match found in Member().Matches(messages)) yield return (found.Groups[1].Value, found.Groups[2].Value);
        foreach (Match found in Cookie().Matches(messages)) yield return (found.Groups[1].Value, found.Groups[2].Value);
        foreach (Match found in Presented().Matches(messages)) yield return ("access token", found.Groups[1].Value);
        foreach (Match found in Proof().Matches(messages)) yield return ("proof", found.Groups[1].Value);
        foreach (Match found in Basic().Matches(messages)) yield return ("client secret", SecretOf(found.Groups[1].Value));
    }

    // RFC 6749 section 2.3.1: both are encoded as in a form.
    private static string SecretOf(string credentials)
    {
        var bytes = new byte[credentials.Length];
        if (!Convert.TryFromBase64String(credentials, bytes, out var length)) return credentials;
        var text = Encoding.UTF8.GetString(bytes, 0, length);
        return WebUtility.UrlDecode(text[(text.IndexOf(':', StringComparison.Ordinal) + 1)..]);
    }

    [GeneratedRegex($@"(?<=[?&\s]|^)({Names})=([^&\s""'<>]+)")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"(?<=[?&\s]|^)client_id=([^&\s""'<>]+)")]
    private static partial Regex Client();

    [GeneratedRegex($@"name=""({Names})"" value=""([^""]+)""")]
    private static partial Regex Field();

    [GeneratedRegex($@"""({Names})""\s*:\s*""([^""\\]+)""")]
    private static partial Regex Member();

    [GeneratedRegex(@"(?<=[\s;](?:__Host-)?)(proofkey-(?:session|browser|known))=([^;\s]+)")]
    private static partial Regex Cookie();

    [GeneratedRegex(@"^Authorization: *(?:Bearer|DPoP) +(\S+)", RegexOptions.Multiline | RegexOptions.IgnoreCase)]
    private static partial Regex Presented();

    [GeneratedRegex(@"^DPoP: *(\S+)", RegexOptions.Multiline | RegexOptions.IgnoreCase)]
    private static partial Regex Proof();

    [GeneratedRegex(@"^Authorization: *Basic +(\S+)", RegexOptions.Multiline | RegexOptions.IgnoreCase)]
    private static partial Regex Basic();
}

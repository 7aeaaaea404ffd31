using System.Globalization;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Sessions;

/// <summary>A token as the program that asked for it reads it.</summary>
/// <param name="Value">The token.</param>
/// <param name="Type">Its type, which is the scheme of the field Authorization.</param>
/// <param name="ExpiresAt">When it ends.</param>
/// <param name="Scope">What it is good for.</param>
internal sealed record TokenForm(string Value, string Type, DateTimeOffset ExpiresAt, string Scope)
{
    /// <summary>The environment variable, unless another is named.</summary>
    public const string Variable = "ACCESS_TOKEN";

    public const string Git = "git";
    public const string ExecCredential = "exec-credential";

    /// <summary>The words for the forms; the first is the token alone.</summary>
    public static readonly string[] Words = ["token", "header", "json", "env", ExecCredential, Git, "curl-config"];

    private string Header => $"Authorization: {Type} {Value}";

    /// <summary>The text in one of the forms that need nothing else.</summary>
    public string Text(string form) => form switch
    {
        "header" => Header,
        // Without the word the programs that a shell starts would not get it.
        "env" => $"export {Variable}={CommandText.Value(Value)}",
        "json" => CliJson.Text(new ShownToken(Value, Type, ExpiresAt, Scope), CliJson.Default.ShownToken),
        // curl's manual, -K: a value in double quotes, in which the backslash escapes
        "curl-config" => $"header = \"{Header.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"",
        _ => Value,
    };

    /// <summary>As a plug-in of kubectl prints it (Kubernetes, client-go credential plugins).</summary>
    public string ForKubernetes(string apiVersion) => CliJson.Text(
        new ExecCredential(apiVersion, "ExecCredential", new ExecCredentialStatus(ExpiresAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture), Value)), CliJson.Default.ExecCredential);

    /// <summary>As a helper of git prints it (gitcredentials(7)); a user name that git knows stays.</summary>
    public string ForGit(GitRequest request) => $"{(request.HasUserName ? "" : "username=oauth2\n")}password={Value}\npassword_expiry_utc={ExpiresAt.ToUnixTimeSeconds()}";
}

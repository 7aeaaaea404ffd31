using Microsoft.Extensions.Options;

namespace ProofKey.Client.Extensions;

/// <summary>Checks a named client's options when the app starts. Each problem names the key and what to write; all of them are told at once.</summary>
internal sealed class ClientValidation(string client, string path) : IValidateOptions<ProofKeyClientOptions>
{
    private static readonly string[] Keys =
        [nameof(ClientOptions.ClientId), nameof(ClientOptions.Resource), nameof(ClientOptions.FurtherResources), nameof(ClientOptions.Dpop), nameof(ClientOptions.Timeout), nameof(ClientOptions.RequestTimeout), nameof(ClientOptions.Profile), nameof(ClientOptions.AdditionalParameters), "RedirectPath"];

    public ValidateOptionsResult Validate(string? name, ProofKeyClientOptions options)
    {
        if (name != client) return ValidateOptionsResult.Skip;
        var problems = options.Unreadable.Concat(Texts(options).Select(problem => $"{path}:{problem}")).ToList();
        if (problems.Count == 0) problems.AddRange(Rest(options));
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private static IEnumerable<string> Texts(ProofKeyClientOptions options)
    {
        if (options.Issuer.Length == 0) yield return "Issuer is missing. Write the address of the authorization server, such as https://login.example.com.";
        else if (!Issuer.TryParse(options.Issuer, out _, out var problem)) yield return $"Issuer is no issuer: {problem} Write it as the server's metadata do, such as https://login.example.com.";
        if (options.ClientId.Length == 0) yield return "ClientId is missing. Write the id under which this program is registered at the server.";
        if (!Scope.TryParse(options.Scope, out _)) yield return "Scope is not a scope. Write words with one space between them, such as openid orders.read.";
        if (options.Port is < 0 or > 65535) yield return "Port is no port. Write 1 to 65535, or leave it out for a free one.";
        if (options.KeyFile is not null && options.Application is null) yield return "KeyFile needs Application too. Write the program's name there, such as my-app.";
        if (options.Application is { } application && Problem(() => TokenStore.DefaultFolder(application))) yield return "Application is no name of a program. Write 1 to 64 letters, digits, dots, hyphens or underscores, such as my-app.";
        if (options.KeyFile is { } file && Problem(() => VaultKey.OfFile(file))) yield return "KeyFile is no path. Write where the file with the 32 bytes is.";
    }

    // The client's own rules, which begin with the name of the option.
    private IEnumerable<string> Rest(ProofKeyClientOptions options) => options.ToClientOptions(client).Problems()
        .Select(problem => problem.Replace("Redirect.Path ", "RedirectPath ", StringComparison.Ordinal))
        .Select(problem => Keys.Contains(problem.Split(' ')[0]) ? $"{path}:{problem}" : $"{path}, as Adjust changed it: {problem}");

    private static bool Problem(Action check)
    {
        try
        {
            check();
            return false;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }
}

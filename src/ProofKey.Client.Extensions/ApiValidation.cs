using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http;
using Microsoft.Extensions.Options;

namespace ProofKey.Client.Extensions;

/// <summary>Checks when the app starts that an HTTP client has an address to send tokens to, and a client to get them from.</summary>
internal sealed class ApiValidation(string httpClient, string client, Uri? onlyFor, string? resource, IServiceProvider services) : IValidateOptions<HttpClientFactoryOptions>
{
    public ValidateOptionsResult Validate(string? name, HttpClientFactoryOptions options)
    {
        if (name != httpClient) return ValidateOptionsResult.Skip;
        var problems = Problems(onlyFor ?? BaseAddress.Of(options)).ToList();
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private IEnumerable<string> Problems(Uri? address)
    {
        var isRegistered = services.GetService<IServiceProviderIsKeyedService>()?.IsKeyedService(typeof(PublicClient), client) != false;
        if (!isRegistered)
            yield return $"The HTTP client {httpClient} asks for tokens of {client}, which is not registered. Write services.AddProofKeyClient(\"{client}\").";
        if (address is null)
            yield return $"The HTTP client {httpClient} has no address to send tokens to. Write its BaseAddress in AddHttpClient, or the API's address in AddProofKeyToken(\"{client}\", onlyFor).";
        else if (!address.IsAbsoluteUri || !Issuer.TryParse(address.GetLeftPart(UriPartial.Authority), out _, out _))
            yield return $"The address of the HTTP client {httpClient} is not one that tokens are sent to. Write an https address, or http on a loopback host.";
        if (resource is not null && isRegistered && ResourcesOfClient() is { } resources && !resources.Contains(resource))
            yield return $"The HTTP client {httpClient} asks for tokens for {resource}, which {client} does not sign in for. Write it as Resource or in FurtherResources of {client}.";
    }

    // What else is wrong with the client is told by its own check.
    private IEnumerable<string?>? ResourcesOfClient()
    {
        try
        {
            var options = services.GetRequiredService<IOptionsMonitor<ProofKeyClientOptions>>().Get(client).ToClientOptions(client);
            return options.FurtherResources.Prepend(options.Resource);
        }
        catch (OptionsValidationException)
        {
            return null;
        }
    }
}

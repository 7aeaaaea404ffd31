using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http;
using Microsoft.Extensions.Options;

namespace ProofKey.Client.Extensions;

/// <summary>Puts a client's access token onto the requests of an HTTP client of <see cref="IHttpClientFactory"/>.</summary>
public static class ProofKeyHttpClientBuilderExtensions
{
    /// <summary>
    /// Adds the access token of the session that is stored when a request is sent, for one origin and no other, as <see cref="TokenHandler"/> does. A request never
    /// opens a browser, since it would be given up long before a person has signed in: without a session it throws <see cref="SignInRequiredException"/>, and
    /// the app calls <see cref="PublicClient.GetSessionAsync(CancellationToken)"/> where a person can be asked. Redirects are followed by the token's handler alone, so
    /// those of the primary handler are turned off. The token is the last handler before that one: each try of a retry gets a fresh one. It is never logged.
    /// It is the token of the one person of this program: not for web applications, where every visitor's request would carry it.
    /// </summary>
    /// <param name="builder">The HTTP client, as <c>AddHttpClient</c> gives it.</param>
    /// <param name="client">The name that the client has in <see cref="ProofKeyServiceCollectionExtensions.AddProofKeyClient(IServiceCollection, string, Action{ProofKeyClientOptions})"/>.</param>
    /// <param name="onlyFor">The API's address, https or loopback. Default: the HTTP client's base address. That there is one is checked when the app starts.</param>
    /// <param name="resource">
    /// The API's name, for a client whose sign-in is for several (<see cref="ProofKeyClientOptions.FurtherResources"/>): the token that is sent is that API's. Default: the token of
    /// <see cref="ProofKeyClientOptions.Resource"/>. That the client has it is checked when the app starts.
    /// </param>
    /// <returns>The builder.</returns>
    public static IHttpClientBuilder AddProofKeyToken(this IHttpClientBuilder builder, string client, Uri? onlyFor = null, string? resource = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(client);
        // Last of all: what the app says about its handlers, before or after this call, is said by then.
        builder.Services.PostConfigure<HttpClientFactoryOptions>(builder.Name, options =>
        {
            var redacted = options.ShouldRedactHeaderValue;
            options.ShouldRedactHeaderValue = header => IsSecret(header) || redacted(header);
            options.HttpMessageHandlerBuilderActions.Add(handlers => Add(handlers, options, client, onlyFor, resource));
        });
        builder.Services.AddSingleton<IValidateOptions<HttpClientFactoryOptions>>(provider => new ApiValidation(builder.Name, client, onlyFor, resource, provider));
        builder.Services.AddOptions<HttpClientFactoryOptions>(builder.Name).ValidateOnStart();
        return builder;
    }

    private static bool IsSecret(string header) => header.Equals("Authorization", StringComparison.OrdinalIgnoreCase) || header.Equals("DPoP", StringComparison.OrdinalIgnoreCase);

    private static void Add(HttpMessageHandlerBuilder handlers, HttpClientFactoryOptions options, string client, Uri? onlyFor, string? resource)
    {
        FollowNoRedirects(handlers.PrimaryHandler);
        var services = handlers.Services;
        handlers.AdditionalHandlers.Add(new StoredSessionHandler(() => services.GetRequiredKeyedService<PublicClient>(client), onlyFor ?? BaseAddress.Of(options)!, resource));
    }

    // RFC 9700 section 4.9.1: what follows by itself would carry the token to wherever it is sent
    private static void FollowNoRedirects(HttpMessageHandler primary)
    {
        switch (primary)
        {
            case SocketsHttpHandler { AllowAutoRedirect: true } sockets: sockets.AllowAutoRedirect = false; break;
            case HttpClientHandler { AllowAutoRedirect: true } handler: handler.AllowAutoRedirect = false; break;
            case DelegatingHandler { InnerHandler: { } inner }: FollowNoRedirects(inner); break;
        }
    }
}

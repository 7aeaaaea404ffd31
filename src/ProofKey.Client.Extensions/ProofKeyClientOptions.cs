namespace ProofKey.Client.Extensions;

/// <summary>
/// What a named client is registered with. Each property but <see cref="Adjust"/> is a key of the configuration section <c>ProofKey:Clients:{name}</c>, and
/// code goes on from what was read there. All of it is checked when the app starts; what changes in the configuration later has no effect before the next start.
/// </summary>
public sealed class ProofKeyClientOptions
{
    /// <summary>The authorization server, as its metadata write it, such as <c>https://login.example.com</c>. Needed.</summary>
    public string Issuer { get; set; } = "";

    /// <summary>The id under which this program is registered there. Needed.</summary>
    public string ClientId { get; set; } = "";

    /// <summary>What to ask for, words with spaces between them; default <c>openid</c>.</summary>
    public string Scope { get; set; } = ProofKey.Scope.OpenId;

    /// <summary>The API that access tokens are for (RFC 8707 section 2). Default: the server decides.</summary>
    public string? Resource { get; set; }

    /// <summary>More APIs that the same sign-in is for, where the server grants several; see <see cref="ClientOptions.FurtherResources"/>.</summary>
    public IList<string> FurtherResources { get; } = new List<string>();

    /// <summary>Whether tokens are bound to a key of the session (RFC 9449); default <see cref="DpopUse.WhenAdvertised"/>.</summary>
    public DpopUse Dpop { get; set; }

    /// <summary>
    /// The program's name, by which its sessions are found again: with it they are kept as by <see cref="TokenStore.OfThisSystem"/>. Without it, they end with
    /// the program.
    /// </summary>
    public string? Application { get; set; }

    /// <summary>A file with the 32 bytes that sessions are encrypted with, for machines without a keychain; <see cref="Application"/> is needed too.</summary>
    public string? KeyFile { get; set; }

    /// <summary>Which of the store's sessions is meant; default: the name of the client.</summary>
    public string? Profile { get; set; }

    /// <summary>The port of the redirect URI, for a server that compares it; default 0, a free one.</summary>
    public int Port { get; set; }

    /// <summary>The path of the redirect URI; default <c>/callback</c>.</summary>
    public string RedirectPath { get; set; } = "/callback";

    /// <summary>Says <c>localhost</c> in the redirect URI, for a server that takes no address.</summary>
    public bool UseLocalhost { get; set; }

    /// <summary>How the answer travels back; default <see cref="ResponseMode.Automatic"/>.</summary>
    public ResponseMode ResponseMode { get; set; }

    /// <summary>How long a person may take to sign in; default 5 minutes.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long one request to the server may take; default 30 seconds.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Goes on with a server that enforces S256 and does not say so; see <see cref="ClientOptions.AcceptUnadvertisedPkce"/>.</summary>
    public bool AcceptUnadvertisedPkce { get; set; }

    /// <summary>More parameters for the authorization request; see <see cref="ClientOptions.AdditionalParameters"/>.</summary>
    public IDictionary<string, string> AdditionalParameters { get; } = new Dictionary<string, string>();

    /// <summary>Changes what no key can say, such as the browser or a private-use redirect URI; it gets what the keys came to.</summary>
    public Func<ClientOptions, ClientOptions>? Adjust { get; set; }

    /// <summary>What could not be read from the configuration.</summary>
    internal List<string> Unreadable { get; } = [];

    // Called when the texts are known to be good.
    internal ClientOptions ToClientOptions(string name)
    {
        var options = new ClientOptions
        {
            Issuer = ProofKey.Issuer.Parse(Issuer),
            ClientId = ClientId,
            Scope = ProofKey.Scope.Parse(Scope),
            Resource = Resource,
            FurtherResources = [.. FurtherResources],
            Dpop = Dpop,
            Store = ToStore(),
            Profile = Profile ?? name,
            Redirect = ToRedirect(),
            ResponseMode = ResponseMode,
            Timeout = Timeout,
            RequestTimeout = RequestTimeout,
            AcceptUnadvertisedPkce = AcceptUnadvertisedPkce,
            AdditionalParameters = new Dictionary<string, string>(AdditionalParameters),
        };
        return Adjust is null ? options : Adjust(options);
    }

    private TokenStore ToStore() => (Application, KeyFile) switch
    {
        (null, _) => TokenStore.InMemory,
        ({ } application, null) => TokenStore.OfThisSystem(application),
        var (application, file) => TokenStore.EncryptedFile(TokenStore.DefaultFolder(application), VaultKey.OfFile(file)),
    };

    private Redirect.Loopback ToRedirect() => Port == 0
        ? new Redirect.LoopbackAnyPort { Path = RedirectPath, UseLocalhost = UseLocalhost }
        : new Redirect.LoopbackPort(Port) { Path = RedirectPath, UseLocalhost = UseLocalhost };
}

using System.Globalization;
using ProofKey.Jose;
using ProofKey.Server.Accounts;
using ProofKey.Server.Storage;

namespace ProofKey.Server;

/// <summary>What is said of a client when it is registered.</summary>
public sealed record ClientRegistration
{
    /// <summary>The name that people are shown: 1 to 100 characters.</summary>
    public required string Name { get; init; }

    /// <summary>Whether the client cannot keep a secret. None is ever made for such a client.</summary>
    public required bool IsPublic { get; init; }

    /// <summary>Where answers may go; at least one.</summary>
    public required IReadOnlyList<string> RedirectUris { get; init; }

    /// <summary>Where a browser may go after signing out.</summary>
    public IReadOnlyList<string> PostLogoutRedirectUris { get; init; } = [];

    /// <summary>The origins of pages that may read token, userinfo and revocation answers.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>The scopes that the client may ask for. Default: openid, profile, email and offline_access.</summary>
    public string Scope { get; init; } = "openid profile email offline_access";

    /// <summary>The API that access tokens are for, an absolute address without fragment; <see langword="null"/> means the server itself.</summary>
    public string? Audience { get; init; }

    /// <summary>The allowed response modes, the default one first; none means query and form_post.</summary>
    public IReadOnlyList<string> ResponseModes { get; init; } = [];

    /// <summary>How ID tokens are signed: ES256, or RS256 for those who cannot check that.</summary>
    public string IdTokenAlgorithm { get; init; } = SignatureAlgorithm.ES256.Name;

    /// <summary>Whether the operator vouches for the client, so that it is not asked for consent.</summary>
    public bool IsFirstParty { get; init; }

    /// <summary>Whether the token request must repeat the redirect URI.</summary>
    public bool IsStrict { get; init; }
}

/// <summary>A client that was just registered.</summary>
/// <param name="Client">The client.</param>
/// <param name="Secret">A confidential client's secret, which nobody can read again; <see langword="null"/> for a public one.</param>
public sealed record NewClient(RegisteredClient Client, string? Secret)
{
    /// <inheritdoc />
    public override string ToString() => Client.Id;
}

/// <summary>Registers clients and people: what an operator does. It works beside a running server, on the same database.</summary>
public sealed class Registry
{
    private readonly ClientStore _clients;
    private readonly AccountStore _accounts;
    private readonly PasswordSignIn _passwords;
    private readonly TimeProvider _time;
    private readonly Database _database;

    internal Registry(Database database, ClientStore clients, AccountStore accounts, PasswordSignIn passwords, TimeProvider time) =>
        (_database, _clients, _accounts, _passwords, _time) = (database, clients, accounts, passwords, time);

    /// <summary>Brings the tables up to date. A running server has done so itself.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    /// <exception cref="DatabaseException">The database cannot be written; the message says why and how to mend it.</exception>
    public Task PrepareAsync(CancellationToken cancellation) => Schema.MigrateAsync(_database, _time, cancellation);

    /// <summary>Registers a client.</summary>
    /// <param name="registration">What is said of it.</param>
    /// <returns>The client, with its secret when it is confidential.</returns>
    /// <exception cref="FormatException">Something in the registration cannot be; the message says what, and how to mend it.</exception>
    public async Task<NewClient> AddClientAsync(ClientRegistration registration)
    {
        ArgumentNullException.ThrowIfNull(registration);
        var secret = registration.IsPublic ? null : Secret.NewText();
        var client = Check(registration) with { SecretDigest = secret is null ? null : Secret.Digest(secret) };
        await _clients.AddAsync(client);
        return new NewClient(client, secret);
    }

    /// <summary>All clients, the oldest first.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The clients.</returns>
    public async Task<IReadOnlyList<RegisteredClient>> ListClientsAsync(CancellationToken cancellation) => await _clients.ListAsync(cancellation);

    /// <summary>Finds a client.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The client, or <see langword="null"/>.</returns>
    public async Task<RegisteredClient?> FindClientAsync(string id, CancellationToken cancellation) => await _clients.FindAsync(id, cancellation);

    /// <summary>Removes a client: its codes and tokens are dead at once.</summary>
    /// <param name="id">Its id.</param>
    /// <returns>Whether there was one.</returns>
    public async Task<bool> RemoveClientAsync(string id) => await _clients.RemoveAsync(id);

    /// <summary>Adds a person.</summary>
    /// <param name="name">The name to sign in with: 1 to 100 characters, compared without regard to case.</param>
    /// <param name="password">8 to 256 characters.</param>
    /// <param name="email">The e-mail address, if there is one.</param>
    /// <param name="isAdmin">Whether the person may administer the server.</param>
    /// <returns>The account.</returns>
    /// <exception cref="FormatException">Name or password cannot be, or the name is taken.</exception>
    public async Task<Account> AddAccountAsync(string name, string password, string? email, bool isAdmin)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(password);
        if (NameProblem(name) is { } nameProblem) throw new FormatException(nameProblem);
        // Two spellings of one name, composed and not, would be two accounts that look the same.
        if (name.Any(character => char.GetUnicodeCategory(character) is UnicodeCategory.NonSpacingMark or UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned))
            throw new FormatException("A name has no combining or invisible characters; write accented letters in their composed form.");
        if (PasswordSignIn.ProblemWith(password) is { } problem) throw new FormatException(problem);
        if (email is not null && (email.Length > 254 || email.IndexOf('@', StringComparison.Ordinal) < 1 || email.Any(char.IsControl))) throw new FormatException("That is not an e-mail address.");
        var account = new Account { Subject = Secret.NewText(16), Name = name.Trim(), Email = email, IsAdmin = isAdmin, Epoch = 1, CreatedAt = _time.GetUtcNow() };
        if (!await _accounts.AddAsync(account, _passwords.Hash(password))) throw new FormatException("There is a user of that name already; choose another name.");
        return account;
    }

    /// <summary>All people, by name.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The accounts.</returns>
    public async Task<IReadOnlyList<Account>> ListAccountsAsync(CancellationToken cancellation) => await _accounts.ListAsync(cancellation);

    /// <summary>Removes a person: their sessions and tokens are dead at once, and their subject is never given to anyone else.</summary>
    /// <param name="name">The name to sign in with.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>Whether there was one.</returns>
    public async Task<bool> RemoveAccountAsync(string name, CancellationToken cancellation) =>
        await _accounts.FindByNameAsync(name, cancellation) is { } account && await _accounts.RemoveAsync(account.Subject);

    private RegisteredClient Check(ClientRegistration registration)
    {
        if (NameProblem(registration.Name) is { } problem) throw new FormatException(problem);
        if (registration.RedirectUris.Count == 0) throw new FormatException("A client has at least one redirect URI, such as http://127.0.0.1/callback.");
        RedirectUri[] redirectUris = [.. registration.RedirectUris.Distinct(StringComparer.Ordinal).Select(RedirectUri.Parse)];
        var modes = registration.ResponseModes.Count == 0 ? ResponseMode.Default : registration.ResponseModes;
        if (modes.Except(ResponseMode.Default).FirstOrDefault() is { } unknown) throw new FormatException($"There is no response mode {unknown}; choose query or form_post.");
        // Without a page in between, a code sent by query can be talked out of a person; a posted one cannot be pasted anywhere.
        if (registration.IsFirstParty && redirectUris.Any(uri => !uri.IdentifiesClient) && !modes.SequenceEqual([ResponseMode.FormPost]))
            throw new FormatException("A first-party client on a loopback or private-use address must be locked to --response-mode form_post.");
        if (redirectUris.Any(uri => uri.Kind == RedirectUriKind.PrivateUse) && modes.SequenceEqual([ResponseMode.FormPost]))
            throw new FormatException("A private-use address takes no form_post; use an https or loopback redirect URI.");
        return new RegisteredClient
        {
            Id = Secret.NewText(16),
            Name = registration.Name.Trim(),
            RedirectUris = redirectUris,
            PostLogoutRedirectUris = [.. registration.PostLogoutRedirectUris.Select(uri => RedirectUri.Parse(uri).Value)],
            Origins = [.. registration.Origins.Select(Origin)],
            Scope = Scope.Parse(registration.Scope),
            Audience = registration.Audience is null ? null : Audience(registration.Audience),
            ResponseModes = modes,
            IdTokenAlgorithm = IdTokenAlgorithm(registration.IdTokenAlgorithm),
            IsFirstParty = registration.IsFirstParty,
            IsStrict = registration.IsStrict,
            CreatedAt = _time.GetUtcNow(),
        };
    }

    private static SignatureAlgorithm IdTokenAlgorithm(string name) =>
        SignatureAlgorithm.TryParse(name, out var algorithm) && Keys.KeyRing.Algorithms.Contains(algorithm)
            ? algorithm
            : throw new FormatException($"ID tokens are signed with {string.Join(" or ", Keys.KeyRing.Algorithms.Select(known => known.Name))}.");

    private static string? NameProblem(string name) =>
        string.IsNullOrWhiteSpace(name) || name.Length > 100 || name.Any(char.IsControl) ? "A name has 1 to 100 characters and no control characters." : null;

    // An Origin header has no path, not even a slash (RFC 6454 section 6.2).
    private static string Origin(string text) => Uri.TryCreate(text, UriKind.Absolute, out var address) && address.GetLeftPart(UriPartial.Authority) == text && Issuer.TryParse(text, out _, out _)
        ? text
        : throw new FormatException("An origin is scheme, host and port alone, https or loopback, such as https://app.example.com.");

    // RFC 8707 section 2: an absolute URI without a fragment
    private static string Audience(string text) => Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Fragment.Length == 0 && text.Length <= 100
        ? text
        : throw new FormatException("An audience is the absolute address of an API, without a fragment and at most 100 characters, such as https://api.example.com/.");
}

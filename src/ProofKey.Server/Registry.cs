using System.Globalization;
using ProofKey.Server.Accounts;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server;

/// <summary>Registers clients and people: what an operator does. It works beside a running server, on the same database.</summary>
public sealed class Registry
{
    private readonly ClientStore _clients;
    private readonly ScopeStore _scopes;
    private readonly AccountStore _accounts;
    private readonly PasswordSignIn _passwords;
    private readonly ResourceStore _resources;
    private readonly KeyRing _keys;
    private readonly AuditTrail _audit;
    private readonly TimeProvider _time;
    private readonly Database _database;

    internal Registry(Database database, ClientStore clients, ResourceStore resources, ScopeStore scopes, AccountStore accounts, PasswordSignIn passwords, KeyRing keys, AuditTrail audit, TimeProvider time) =>
        (_database, _clients, _resources, _scopes, _accounts, _passwords, _keys, _audit, _time) = (database, clients, resources, scopes, accounts, passwords, keys, audit, time);

    /// <summary>Brings the tables up to date. A running server has done so itself.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    /// <exception cref="DatabaseException">The database cannot be written; the message says why and how to mend it.</exception>
    public Task PrepareAsync(CancellationToken cancellation) => Schema.MigrateAsync(_database, _time, cancellation);

    /// <summary>Makes the tables where there are none. Those that are there stay as they are: servers may be running on them whose program knows no newer ones.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    /// <exception cref="DatabaseException">The tables are older or newer than this program, or the database cannot be written; the message says how to mend it.</exception>
    public Task PrepareNewAsync(CancellationToken cancellation) => Schema.MigrateAsync(_database, _time, cancellation, mayUpgrade: false);

    /// <summary>Registers a client.</summary>
    /// <param name="registration">What is said of it.</param>
    /// <returns>The client, with its secret when it is confidential.</returns>
    /// <exception cref="FormatException">Something in the registration cannot be; the message says what, and how to mend it.</exception>
    public async Task<NewClient> AddClientAsync(ClientRegistration registration)
    {
        ArgumentNullException.ThrowIfNull(registration);
        var client = RegistrationRules.Check(registration) with { Id = Secret.NewText(16), CreatedAt = _time.GetUtcNow() };
        var secret = NeedsSecret(registration) ? Secret.NewText() : null;
        client = client with { SecretDigest = secret is null ? null : Secret.Digest(secret) };
        await MakeKeyAsync(client, CancellationToken.None);
        await _clients.AddAsync(client, new AuditEvent("client-added") { ClientId = client.Id, Detail = client.Name });
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

    /// <summary>Changes what is said of a client, at once. What it was granted goes on; access tokens follow the audience that is registered when they are issued.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="change">What is said of it from now on, made of what was said before.</param>
    /// <param name="newSecret">Whether a confidential client gets another secret; the old one is worth nothing from then on.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The client, with its secret when one was made; <see langword="null"/> when there is no such client.</returns>
    /// <exception cref="FormatException">Something in the registration cannot be; the message says what, and how to mend it.</exception>
    public async Task<NewClient?> UpdateClientAsync(string id, Func<ClientRegistration, ClientRegistration> change, bool newSecret, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(change);
        // Who changes it at the same time has changed it first: the change is made to what it is now, and takes nothing back.
        while (await _clients.FindAsync(id, cancellation) is { } known)
            if (await UpdateClientAsync(known, change, newSecret, cancellation) is { } updated) return updated;
        return null;
    }

    private async Task<NewClient?> UpdateClientAsync(RegisteredClient known, Func<ClientRegistration, ClientRegistration> change, bool newSecret, CancellationToken cancellation)
    {
        var registration = change(ClientRegistration.Of(known));
        if (registration.IsPublic != known.IsPublic) throw new FormatException("A client stays public or confidential; register another one.");
        if (newSecret && !NeedsSecret(registration)) throw new FormatException("This client has no secret: it is public, or proves itself with keys.");
        // Who proved itself with keys so far, and does no longer, needs a secret.
        var secret = newSecret || (NeedsSecret(registration) && known.SecretDigest is null) ? Secret.NewText() : null;
        var digest = !NeedsSecret(registration) ? null : secret is null ? known.SecretDigest : Secret.Digest(secret);
        var client = RegistrationRules.Check(registration) with { Id = known.Id, CreatedAt = known.CreatedAt, SecretDigest = digest, Version = known.Version };
        await MakeKeyAsync(client, cancellation);
        var changes = ClientRegistration.Changes(ClientRegistration.Of(known), ClientRegistration.Of(client)).Concat(secret is null ? [] : ["new secret"]);
        return await _clients.UpdateAsync(client, new AuditEvent("client-changed") { ClientId = client.Id, Detail = string.Join("; ", changes) }) ? new NewClient(client, secret) : null;
    }

    /// <summary>Removes a client: its codes and tokens are dead at once.</summary>
    /// <param name="id">Its id.</param>
    /// <returns>Whether there was one.</returns>
    public async Task<bool> RemoveClientAsync(string id) => await _clients.RemoveAsync(id, new AuditEvent("client-removed") { ClientId = id });

    // A key that not every server has is made now, so that all of them publish it before the client's first ID token.
    private async Task MakeKeyAsync(RegisteredClient client, CancellationToken cancellation)
    {
        if (!KeyLine.Needed.Contains(KeyLine.Signs(client.IdTokenAlgorithm))) await _keys.EnsureAsync(client.IdTokenAlgorithm, cancellation);
    }

    /// <summary>Registers an API that access tokens can be for.</summary>
    /// <param name="address">Its address: absolute, without a fragment, at most 100 characters.</param>
    /// <param name="scope">The scopes that belong to it, separated by spaces; at least one.</param>
    /// <param name="name">What people call it, or <see langword="null"/> for its address.</param>
    /// <returns>The API.</returns>
    /// <exception cref="FormatException">Something in it cannot be, or the address is taken; the message says what, and how to mend it.</exception>
    public async Task<RegisteredResource> AddResourceAsync(string address, string scope, string? name)
    {
        ArgumentNullException.ThrowIfNull(address);
        var resource = RegistrationRules.Check(address, scope, name) with { CreatedAt = _time.GetUtcNow() };
        var audited = new AuditEvent("resource-added") { Detail = $"{resource.Address} {resource.Scope}" };
        return await _resources.AddAsync(resource, audited) ? resource : throw new FormatException("There is an API of that address already; change it, or remove it first.");
    }

    /// <summary>Changes the scopes or the name of an API. Tokens that were issued stay as they are.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="scope">The scopes from now on, or <see langword="null"/> for those it has.</param>
    /// <param name="name">Its name from now on, or <see langword="null"/> for the one it has.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The API, or <see langword="null"/> when there is none.</returns>
    /// <exception cref="FormatException">Something in it cannot be; the message says what, and how to mend it.</exception>
    public async Task<RegisteredResource?> UpdateResourceAsync(string address, string? scope, string? name, CancellationToken cancellation)
    {
        if ((await _resources.ListAsync(cancellation)).Find(known => known.Address == address) is not { } known) return null;
        var resource = RegistrationRules.Check(address, scope ?? known.Scope.ToString(), name ?? known.Name) with { CreatedAt = known.CreatedAt };
        return await _resources.UpdateAsync(resource, new AuditEvent("resource-changed") { Detail = $"{resource.Address} {resource.Scope}" }) ? resource : null;
    }

    /// <summary>All registered APIs, the oldest first.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The APIs.</returns>
    public async Task<IReadOnlyList<RegisteredResource>> ListResourcesAsync(CancellationToken cancellation) => await _resources.ListAsync(cancellation);

    /// <summary>Removes an API: nobody can ask for tokens for it any more. What was granted for it goes on until it ends or is revoked.</summary>
    /// <param name="address">Its address.</param>
    /// <returns>Whether there was one.</returns>
    public async Task<bool> RemoveResourceAsync(string address) => await _resources.RemoveAsync(address, new AuditEvent("resource-removed") { Detail = address });

    /// <summary>Says in words what a scope allows: people read it when a client asks for it.</summary>
    /// <param name="name">The scope.</param>
    /// <param name="words">1 to 200 characters that fit below "it will be able to", such as "see your orders".</param>
    /// <returns>The description.</returns>
    /// <exception cref="FormatException">Name or words cannot be.</exception>
    public async Task<ScopeDescription> DescribeScopeAsync(string name, string words)
    {
        ArgumentNullException.ThrowIfNull(words);
        if (!Scope.TryParse(name, out var scope) || scope.Values.Count != 1 || scope.Values[0] != name) throw new FormatException("A scope is one word of printable ASCII without quotes and backslashes.");
        if (string.IsNullOrWhiteSpace(words) || words.Length > 200 || words.Any(char.IsControl)) throw new FormatException("The words for a scope have 1 to 200 characters and no control characters.");
        var described = new ScopeDescription(name, words.Trim());
        await _scopes.SetAsync(described, new AuditEvent("scope-described") { Detail = $"{described.Name} {described.Words}" });
        return described;
    }

    /// <summary>All scopes that were put into words.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The descriptions, by name.</returns>
    public async Task<IReadOnlyList<ScopeDescription>> ListScopesAsync(CancellationToken cancellation) => await _scopes.ListAsync(cancellation);

    /// <summary>Takes the words for a scope away. The scope itself belongs to the clients and APIs that it is registered for.</summary>
    /// <param name="name">The scope.</param>
    /// <returns>Whether there were any.</returns>
    public async Task<bool> RemoveScopeAsync(string name) => await _scopes.RemoveAsync(name, new AuditEvent("scope-removed") { Detail = name });

    /// <summary>Adds a person.</summary>
    /// <param name="name">The name to sign in with: 1 to 100 characters, compared without regard to case.</param>
    /// <param name="password">8 to 256 characters, and none that everybody tries first.</param>
    /// <param name="email">The e-mail address, if there is one.</param>
    /// <param name="isAdmin">Whether the person may administer the server.</param>
    /// <returns>The account.</returns>
    /// <exception cref="FormatException">Name or password cannot be, or the name is taken.</exception>
    public async Task<Account> AddAccountAsync(string name, string password, string? email, bool isAdmin)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(password);
        if (RegistrationRules.NameProblem(name) is { } nameProblem) throw new FormatException(nameProblem);
        // Two spellings of one name, composed and not, would be two accounts that look the same.
        if (name.Any(character => char.GetUnicodeCategory(character) is UnicodeCategory.NonSpacingMark or UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned))
            throw new FormatException("A name has no combining or invisible characters; write accented letters in their composed form.");
        if (PasswordSignIn.ProblemWith(password, name) is { } problem) throw new FormatException(problem);
        if (email is not null && (email.Length > 254 || email.IndexOf('@', StringComparison.Ordinal) < 1 || email.Any(char.IsControl))) throw new FormatException("That is not an e-mail address.");
        var account = new Account { Subject = Secret.NewText(16), Name = name.Trim(), Email = email, IsAdmin = isAdmin, Epoch = 1, CreatedAt = _time.GetUtcNow() };
        var audited = new AuditEvent("user-added") { Subject = account.Subject, Detail = isAdmin ? "administrator" : null };
        if (!await _accounts.AddAsync(account, _passwords.Hash(password), audited)) throw new FormatException("There is a user of that name already; choose another name.");
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
        await _accounts.FindByNameAsync(name, cancellation) is { } account && await _accounts.RemoveAsync(account.Subject, new AuditEvent("user-removed") { Subject = account.Subject });

    /// <summary>Reads the audit trail, the oldest entry first, 500 at a time.</summary>
    /// <param name="filter">Which entries.</param>
    /// <param name="after">The last entry of the page before, or <see langword="null"/> for the first page.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The entries; none when there are no more.</returns>
    public async Task<IReadOnlyList<AuditEntry>> ReadAuditTrailAsync(AuditFilter filter, AuditEntry? after, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return await _audit.ListAsync(filter, after, cancellation);
    }

    /// <summary>Finds a person.</summary>
    /// <param name="name">The name to sign in with.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The account, or <see langword="null"/>.</returns>
    public async Task<Account?> FindAccountAsync(string name, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(name);
        return await _accounts.FindByNameAsync(name, cancellation);
    }


    private static bool NeedsSecret(ClientRegistration registration) => !registration.IsPublic && registration.Jwks is null && registration.JwksUri is null;
}

namespace ProofKey.Server.Pages;

// What each page shows. These records hold form tokens, codes and the query of a request, so none of them prints its members.

/// <summary>The sign-in page.</summary>
/// <param name="ClientName">What the client calls itself; hostile until shown by <see cref="Name"/>. <see langword="null"/> for a device, whose client is not told before a sign-in.</param>
/// <param name="RedirectHost">The host of the redirect URI, see <see cref="RedirectUri.Host"/>; shown only when it identifies the client.</param>
/// <param name="IdentifiesClient">Whether an answer sent there can reach nobody else (RFC 8252 section 8.6).</param>
/// <param name="Action">Our own path and query that the form is posted to.</param>
/// <param name="FormToken">The token that binds the form to browser and request.</param>
/// <param name="Username">What was typed before, or hinted by the client; <see langword="null"/> for nothing.</param>
/// <param name="Problem">One or two sentences on why the last attempt failed; <see langword="null"/> on the first.</param>
/// <param name="PhoneAddress">Where to go on with a phone instead, shown as a QR code; <see langword="null"/> for nowhere.</param>
internal sealed record SignInView(
    string? ClientName, string RedirectHost, bool IdentifiesClient, string Action, string FormToken, string? Username, string? Problem, string? PhoneAddress = null)
{
    public override string ToString() => nameof(SignInView);
}

/// <summary>One of the people who are signed in in a browser.</summary>
/// <param name="Subject">The subject, which the button sends.</param>
/// <param name="Name">The name to sign in with.</param>
/// <param name="Email">The e-mail address, if there is one.</param>
internal sealed record AccountLine(string Subject, string Name, string? Email);

/// <summary>The page on which a person says which of their accounts a request is for.</summary>
/// <param name="ClientName">What the client calls itself; hostile until shown by <see cref="Name"/>. <see langword="null"/> where no client is known yet.</param>
/// <param name="RedirectHost">The host of the redirect URI, see <see cref="RedirectUri.Host"/>; shown only when it identifies the client.</param>
/// <param name="IdentifiesClient">Whether an answer sent there can reach nobody else (RFC 8252 section 8.6).</param>
/// <param name="Accounts">Everyone who is signed in in this browser.</param>
/// <param name="Action">Our own path and query that the form is posted to.</param>
/// <param name="FormToken">The token that binds the form to browser and request.</param>
/// <param name="AnotherAddress">Our own path and query that signs in somebody else.</param>
/// <param name="Problem">One or two sentences on why the last choice did not count; <see langword="null"/> for none.</param>
internal sealed record ChooseAccountView(
    string? ClientName, string RedirectHost, bool IdentifiesClient, IReadOnlyList<AccountLine> Accounts, string Action, string FormToken, string AnotherAddress, string? Problem)
{
    public override string ToString() => nameof(ChooseAccountView);
}

/// <summary>The page on which a person says who is to be signed out.</summary>
/// <param name="ClientName">What the client calls itself; hostile until shown by <see cref="Name"/>. <see langword="null"/> where none is known.</param>
/// <param name="RedirectHost">The host that the browser goes back to, see <see cref="RedirectUri.Host"/>; <see langword="null"/> when it stays here.</param>
/// <param name="IdentifiesClient">Whether that host can be nobody else (RFC 8252 section 8.6).</param>
/// <param name="Accounts">Everyone who is signed in in this browser, at least one.</param>
/// <param name="Action">Our own path and query that the form is posted to.</param>
/// <param name="FormToken">The token that binds the form to browser and request.</param>
/// <param name="Problem">One or two sentences on why the last answer did not count; <see langword="null"/> for none.</param>
internal sealed record SignOutView(
    string? ClientName, string? RedirectHost, bool IdentifiesClient, IReadOnlyList<AccountLine> Accounts, string Action, string FormToken, string? Problem)
{
    public override string ToString() => nameof(SignOutView);
}

/// <summary>The page behind it, for a browser that is sent nowhere.</summary>
/// <param name="Title">What happened, in a few words.</param>
/// <param name="Explanation">What that means, in a sentence.</param>
internal sealed record SignedOutView(string Title, string Explanation)
{
    public static readonly SignedOutView Done = new("You are signed out", "You can close this page.");

    public static readonly SignedOutView Stayed = new("You are still signed in", "Nothing was changed. You can close this page.");
}

/// <summary>One line of what a client asks for.</summary>
/// <param name="Name">The scope value as the protocol spells it.</param>
/// <param name="Description">What it allows, in words that fit below "it will be able to"; the operator's, or ours.</param>
/// <param name="IsOptional">Whether the person may agree to the rest without it.</param>
internal sealed record ScopeLine(string Name, string Description, bool IsOptional);

/// <summary>A page that asks for scopes.</summary>
internal interface IAskForScopes
{
    IReadOnlyList<ScopeLine> Scopes { get; }
}

/// <summary>The consent page.</summary>
/// <param name="ClientName">What the client calls itself; hostile until shown by <see cref="Name"/>.</param>
/// <param name="RedirectHost">The host of the redirect URI, see <see cref="RedirectUri.Host"/>; shown only when it identifies the client.</param>
/// <param name="IdentifiesClient">Whether an answer sent there can reach nobody else (RFC 8252 section 8.6).</param>
/// <param name="AccountName">The account that is signed in.</param>
/// <param name="Scopes">What the client asks for; none is a request that only signs in.</param>
/// <param name="Action">Our own path and query that the form is posted to.</param>
/// <param name="FormToken">The token that binds the form to browser and request.</param>
/// <param name="SwitchAccountAddress">Our own path and query that signs in somebody else.</param>
/// <param name="Problem">One or two sentences on why the last answer did not count; <see langword="null"/> for none.</param>
internal sealed record ConsentView(
    string ClientName, string RedirectHost, bool IdentifiesClient, string AccountName, IReadOnlyList<ScopeLine> Scopes,
    string Action, string FormToken, string SwitchAccountAddress, string? Problem) : IAskForScopes
{
    public override string ToString() => nameof(ConsentView);
}

/// <summary>The page on which a person enters the code that a device shows (RFC 8628 section 3.3).</summary>
/// <param name="AccountName">The account that is signed in.</param>
/// <param name="Action">Our own path that the form is posted to.</param>
/// <param name="FormToken">The token that binds the form to browser and account.</param>
/// <param name="SwitchAccountAddress">Our own path and query that signs in somebody else.</param>
/// <param name="Code">What stands in the field; <see langword="null"/> for nothing.</param>
/// <param name="IsFromAddress">Whether that came with the address: nobody typed it, so the person has to compare it.</param>
/// <param name="Problem">One or two sentences on why the last code did not count; <see langword="null"/> for none.</param>
internal sealed record DeviceEntryView(
    string AccountName, string Action, string FormToken, string SwitchAccountAddress, string? Code, bool IsFromAddress, string? Problem)
{
    public override string ToString() => nameof(DeviceEntryView);
}

/// <summary>The page that asks whether a device may come in (RFC 8628 section 5.4). Nothing on it was written by whoever asks.</summary>
/// <param name="ClientName">The client's registered name.</param>
/// <param name="UserCode">The code that the device shows.</param>
/// <param name="AccountName">The account that is signed in.</param>
/// <param name="Scopes">What the device asks for.</param>
/// <param name="Asked">When it asked, in words.</param>
/// <param name="Address">The network that it asked from.</param>
/// <param name="IsSameNetwork">Whether this browser comes from the same one.</param>
/// <param name="Action">Our own path and query that the form is posted to.</param>
/// <param name="FormToken">The token that binds the form to browser, account and device.</param>
/// <param name="SwitchAccountAddress">Our own path and query that signs in somebody else.</param>
/// <param name="Problem">One or two sentences on why the last answer did not count; <see langword="null"/> for none.</param>
internal sealed record DeviceView(
    string ClientName, string UserCode, string AccountName, IReadOnlyList<ScopeLine> Scopes, string Asked, string Address, bool IsSameNetwork,
    string Action, string FormToken, string SwitchAccountAddress, string? Problem) : IAskForScopes
{
    public override string ToString() => nameof(DeviceView);
}

/// <summary>The page after the decision on a device.</summary>
internal abstract record DeviceDoneView
{
    private DeviceDoneView()
    {
    }

    /// <summary>The person let it in.</summary>
    /// <param name="ClientName">The client's registered name.</param>
    internal sealed record Allowed(string ClientName) : DeviceDoneView;

    /// <summary>The person turned it away.</summary>
    /// <param name="ClientName">The client's registered name.</param>
    internal sealed record Denied(string ClientName) : DeviceDoneView;

    /// <summary>Nobody decided in time, or somebody else did.</summary>
    /// <param name="EntryAddress">Our own path where the next code is entered.</param>
    internal sealed record Gone(string EntryAddress) : DeviceDoneView;
}

/// <summary>The page for what must not be sent to the client (RFC 6749 section 4.1.2.1).</summary>
/// <param name="Title">What happened, in a few words.</param>
/// <param name="Explanation">What happened, in a sentence for the person.</param>
/// <param name="Remedy">What the person can do.</param>
/// <param name="Code">The error code for developers, such as <c>invalid_request</c>; <see langword="null"/> for none.</param>
internal sealed record ErrorView(string Title, string Explanation, string Remedy, string? Code);

/// <summary>The page that posts an answer to the client (OAuth 2.0 Form Post Response Mode section 2).</summary>
/// <param name="RedirectUri">The redirect URI that matched, as it was requested.</param>
/// <param name="Fields">The parameters of the answer.</param>
internal sealed record FormPostView(string RedirectUri, IReadOnlyList<KeyValuePair<string, string>> Fields)
{
    public override string ToString() => nameof(FormPostView);
}

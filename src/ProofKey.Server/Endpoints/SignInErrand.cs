using Microsoft.AspNetCore.Http;
using ProofKey.Server.Protocol;

namespace ProofKey.Server.Endpoints;

/// <summary>What a sign-in is for. Its page shows it, its form is bound to it, and the way on leads back to it.</summary>
internal abstract class SignInErrand
{
    private SignInErrand()
    {
    }

    /// <summary>Which errand it is: a form that was shown for another one does not count.</summary>
    public abstract byte[] Digest { get; }

    /// <summary>The client that asks and the address that its answer goes to, where both are known.</summary>
    public virtual AuthorizeRequest? Request => null;

    /// <summary>Our own address of the sign-in page, with the errand in its query.</summary>
    public abstract string PageAddress(string browserCookie, DateTimeOffset now);

    /// <summary>Where the errand goes on once the person has signed in, or was chosen among those who are.</summary>
    public abstract string WayOn(string subject, string browserCookie, DateTimeOffset now);

    /// <summary>Whether the person is to be shown the accounts of this browser first.</summary>
    /// <param name="signedIn">How many they are.</param>
    /// <param name="hasActive">Whether the active one is among them.</param>
    public virtual bool OffersAccounts(int signedIn, bool hasActive) => false;

    /// <summary>The account that was chosen already and has to sign in again.</summary>
    public virtual string? ChosenSubject => null;

    /// <summary>Our own address of the sign-in page for somebody who is not among the accounts of this browser.</summary>
    public virtual string AnotherAddress(string browserCookie, DateTimeOffset now) => PageAddress(browserCookie, now);

    /// <summary>Where a person can do the errand on their phone instead, so that they type no password on a machine that is not theirs.</summary>
    public virtual string? PhoneAddress => null;

    /// <summary>An authorization request: it goes on at the authorization endpoint, which decides again.</summary>
    internal sealed class Authorization(AuthorizePage page, AuthorizeQuery query, AuthorizeRequest request, HttpContext context, DateTimeOffset now) : SignInErrand
    {
        // Read before the browser cookie is replaced: the ticket belongs to the one that came.
        private readonly StepTicket? _ticket = page.OpenTicket(context, query, request, now);

        public override byte[] Digest => request.Digest();

        public override AuthorizeRequest Request => request;

        public override string PageAddress(string browserCookie, DateTimeOffset now) => page.Address(SignInEndpoint.Path, request, _ticket, browserCookie, now);

        public override string WayOn(string subject, string browserCookie, DateTimeOffset now) =>
            page.Address(AuthorizeEndpoint.Path, request, (_ticket ?? StepTicket.New(now)).For(subject), browserCookie, now);

        public override bool OffersAccounts(int signedIn, bool hasActive) => AccountChoices.IsOffered(request, _ticket, signedIn, hasActive);

        public override string? ChosenSubject => _ticket?.ChosenSubject;

        public override string AnotherAddress(string browserCookie, DateTimeOffset now) =>
            page.Address(SignInEndpoint.Path, request, (_ticket ?? StepTicket.New(now)).Choosing(AccountChoice.Another), browserCookie, now);
    }

    /// <summary>A device that asks to be let in: it goes on where its code is entered. Before the sign-in nobody learns whether the code is right.</summary>
    internal sealed class Device : SignInErrand
    {
        private const string Another = "another";

        private readonly UserCode? _code;
        private readonly bool _asksForAnother;
        private readonly Issuer _issuer;

        private Device(UserCode? code, bool asksForAnother, Issuer issuer) => (_code, _asksForAnother, _issuer) = (code, asksForAnother, issuer);

        /// <summary>The errand, when the query of the sign-in page is the way back to a device and nothing else.</summary>
        public static Device? Of(Parameters query, Issuer issuer) =>
            query.Pairs is [{ Key: DeviceEndpoint.UserCodeName }] or [{ Key: DeviceEndpoint.UserCodeName }, { Key: Another }]
                ? new(UserCode.Read(query[DeviceEndpoint.UserCodeName]), query.Pairs.Count > 1, issuer)
                : null;

        public override byte[] Digest => Secret.Digest($"{DeviceEndpoint.Path} {_code}");

        public override string PageAddress(string browserCookie, DateTimeOffset now) => DeviceEndpoint.Address(_issuer, _code, SignInEndpoint.Path) + (_asksForAnother ? $"&{Another}=1" : "");

        public override string WayOn(string subject, string browserCookie, DateTimeOffset now) => DeviceEndpoint.Address(_issuer, _code);

        // Plain http is for loopback alone, where no phone comes.
        public override string? PhoneAddress => !_issuer.IsHttps ? null : _code is null ? _issuer.Endpoint(DeviceEndpoint.Path) : DeviceEndpoint.CompleteAddress(_issuer, _code);

        public override bool OffersAccounts(int signedIn, bool hasActive) => signedIn > (hasActive ? 1 : 0) && !_asksForAnother;

        public override string AnotherAddress(string browserCookie, DateTimeOffset now) => DeviceEndpoint.Address(_issuer, _code, SignInEndpoint.Path) + $"&{Another}=1";
    }
}

using System.Net;

namespace ProofKey;

/// <summary>
/// The system's proxy, except for this machine: http is good enough for loopback because it never leaves the machine, so no proxy may
/// carry it away.
/// </summary>
internal sealed class DirectToLoopback(IWebProxy system) : IWebProxy
{
    public ICredentials? Credentials
    {
        get => system.Credentials;
        set => system.Credentials = value;
    }

    public Uri? GetProxy(Uri destination) => Issuer.IsLoopback(destination) ? null : system.GetProxy(destination);

    public bool IsBypassed(Uri host) => Issuer.IsLoopback(host) || system.IsBypassed(host);
}

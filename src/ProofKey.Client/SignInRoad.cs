namespace ProofKey.Client;

/// <summary>How a sign-in goes to the person and comes back. <see cref="Surroundings"/> says which one fits the machine.</summary>
public enum SignInRoad
{
    /// <summary>A browser on this machine, and a listener on loopback.</summary>
    Browser,

    /// <summary>
    /// An address that the person opens in a browser elsewhere, and the address that it ends at, pasted back. The answer is asked for with
    /// <c>response_mode=query</c> from the start, since nothing else can be pasted.
    /// </summary>
    Paste,

    /// <summary>A code that the person enters elsewhere (RFC 8628), for machines that the other two cannot reach; see <see cref="DeviceSignIn"/>.</summary>
    Device,
}

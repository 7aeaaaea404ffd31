using ProofKey.Client.Loopback;

namespace ProofKey.Client.Tests;

/// <summary>Which hosts mean the listener; a name that was made to point here is none of them (RFC 9110 section 7.2).</summary>
public sealed class LoopbackHostTests
{
    [Theory]
    [InlineData("127.0.0.1", 80, false, true)]
    [InlineData("127.0.0.1:80", 80, false, true)]
    [InlineData("[::1]", 80, false, true)]
    [InlineData("localhost", 80, true, true)]
    [InlineData("localhost", 80, false, false)]
    [InlineData("127.0.0.1", 8080, false, false)]
    [InlineData("127.0.0.1:8080", 8080, false, true)]
    [InlineData("127.0.0.1:80", 8080, false, false)]
    [InlineData("localhost:8080", 8080, true, true)]
    [InlineData("evil.example", 80, true, false)]
    [InlineData("127.0.0.1:80:80", 80, false, false)]
    [InlineData(":80", 80, false, false)]
    [InlineData("", 80, true, false)]
    [Assertion("CL-07")]
    public void A_host_is_ours_with_its_port_or_without_where_browsers_leave_it_out(string host, int port, bool isLocalhost, bool isOurs) =>
        LoopbackHost.IsOurs(host, port, isLocalhost).ShouldBe(isOurs);
}

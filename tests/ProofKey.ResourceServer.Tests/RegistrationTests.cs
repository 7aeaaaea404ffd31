using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;

namespace ProofKey.ResourceServer.Tests;

public sealed class RegistrationTests
{
    [Fact]
    public void An_api_brings_no_key_ring_to_its_host()
    {
        var services = new ServiceCollection();
        services.AddProofKey("https://login.example.com", "https://api.example.com/");

        services.ShouldNotContain(service => service.ServiceType == typeof(IDataProtectionProvider));
    }
}

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ProofKey.ResourceServer.Tests;

/// <summary>Settings that stop the start, all at once.</summary>
public sealed class OptionsTests
{
    [Fact]
    public async Task Start_stops_and_lists_every_problem()
    {
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false"]);
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddProofKey("https://login.example.com", audience: "", options =>
        {
            options.ClockSkew = TimeSpan.FromMinutes(5);
            options.MetadataAddress = new Uri("http://login.internal/metadata");
            options.PublicAddress = new Uri("https://api.example.com/?a=b");
        });
        await using var app = builder.Build();

        var problem = await Should.ThrowAsync<OptionsValidationException>(() => app.StartAsync(TestContext.Current.CancellationToken));
        problem.Failures.Count().ShouldBe(4);
        problem.Message.ShouldContain("Audience");
        problem.Message.ShouldContain("ClockSkew");
        problem.Message.ShouldContain("MetadataAddress");
        problem.Message.ShouldContain("PublicAddress");
    }

    [Theory]
    [InlineData("http://login.example.com")]
    [InlineData("login.example.com")]
    [InlineData("https://login.example.com?tenant=1")]
    public void An_issuer_that_cannot_be_one_is_refused_where_it_is_named(string issuer) =>
        Should.Throw<FormatException>(() => new ServiceCollection().AddProofKey(issuer, "https://api.example.com/"));

    [Theory]
    [InlineData("https://api.example.com/\"")]
    [InlineData("two words")]
    [InlineData("line\r\nbreak")]
    public void An_audience_that_cannot_be_quoted_is_refused(string audience)
    {
        using var services = new ServiceCollection().AddLogging().AddProofKey("https://login.example.com", audience).BuildServiceProvider();

        var options = services.GetRequiredService<IOptionsMonitor<ResourceServerOptions>>();
        Should.Throw<OptionsValidationException>(() => options.Get(ResourceServerOptions.SchemeName));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public void A_scope_without_values_is_refused(string scope) => Should.Throw<ArgumentException>(() => new RequireScopeAttribute(scope));

    [Fact]
    public void A_malformed_scope_is_refused() => Should.Throw<FormatException>(() => new RequireScopeAttribute("orders\"read"));
}

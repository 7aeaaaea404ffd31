using System.Runtime.CompilerServices;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ProofKey.Cli.Hosting;

/// <summary>
/// Sends metrics and traces by OTLP, when the environment says where to. The variables are OpenTelemetry's own: <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> and
/// its kin. Without them none of its code is loaded.
/// </summary>
internal static class TelemetryExport
{
    private static readonly string[] Destinations = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"];

    // ASP.NET Core's own: how long requests take, how many connections there are. Its spans carry the path and never the query.
    private static readonly string[] Meters = ["ProofKey.Server", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime"];
    private static readonly string[] Sources = ["ProofKey.Server", "Microsoft.AspNetCore"];

    /// <summary>Whether the environment names a destination.</summary>
    public static bool IsWanted => Destinations.Any(name => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name)));

    /// <summary>Begins to send; what is left is sent when it is disposed.</summary>
    public static IDisposable? Start() => IsWanted ? StartSending() : null;

    // In a method of its own: the packages are loaded when it is compiled, and not before.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Sending StartSending()
    {
        var version = typeof(TelemetryExport).Assembly.GetName().Version?.ToString(3);
        // What the environment says of the service goes before what we say.
        void Describe(ResourceBuilder resource) => resource.Clear().AddService("proofkey", serviceVersion: version).AddTelemetrySdk().AddEnvironmentVariableDetector();
        return new Sending(
            Sdk.CreateTracerProviderBuilder().ConfigureResource(Describe).AddSource(Sources).AddOtlpExporter().Build(),
            Sdk.CreateMeterProviderBuilder().ConfigureResource(Describe).AddMeter(Meters).AddOtlpExporter().Build());
    }

    private sealed class Sending(TracerProvider traces, MeterProvider metrics) : IDisposable
    {
        public void Dispose()
        {
            traces.Dispose();
            metrics.Dispose();
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using ProofKey.Client.Loopback;

namespace ProofKey.Client.Tests;

/// <summary>Who has a port, as the system tells it about a program that really listens.</summary>
public sealed class PortHolderTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_port_that_is_taken_is_named_with_the_program_that_has_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var holder = await Holder.OfAsync("127.0.0.1");
        await using var client = new PublicClient(server.Options() with { Redirect = new Redirect.LoopbackPort(holder.Port) });

        var refused = await Should.ThrowAsync<SignInRequiredException>(() => client.BeginAsync(Cancel));

        refused.Reason.ShouldBe(SignInRequiredReason.NoPort);
        refused.Actual.ShouldBe($"{holder.Port} is taken by process {holder.Process} ({holder.Name})");
        holder.Name.ShouldStartWith("python");
    }

    [Theory]
    [InlineData("0.0.0.0", true)]
    [InlineData("::1", true)]
    [InlineData("::", true)]
    [InlineData("127.0.0.2", false)]
    public async Task A_program_counts_whose_address_is_in_our_way(string address, bool counts)
    {
        using var holder = await Holder.OfAsync(address);

        PortHolder.Find(holder.Port).ShouldBe(counts ? new PortHolder(holder.Process, holder.Name) : null);
    }

    [Fact]
    public async Task A_program_that_has_ended_has_no_port()
    {
        int port;
        using (var holder = await Holder.OfAsync("127.0.0.1")) port = holder.Port;

        PortHolder.Find(port).ShouldBeNull();
    }

    /// <summary>A program that listens on a free port until it is ended.</summary>
    private sealed class Holder : IDisposable
    {
        private const string Script = """
            import socket, sys
            address = sys.argv[1]
            listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            listener.bind((address, 0))
            listener.listen()
            print(listener.getsockname()[1], flush=True)
            sys.stdin.read()
            """;

        private readonly Process _process;

        private Holder(Process process, int port)
        {
            _process = process;
            Port = port;
            Name = File.ReadAllText($"/proc/{process.Id}/comm").TrimEnd('\n');
        }

        public int Port { get; }

        public int Process => _process.Id;

        public string Name { get; }

        public static async Task<Holder> OfAsync(string address)
        {
            var process = System.Diagnostics.Process.Start(new ProcessStartInfo("python3", ["-c", Script, address]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
            return new Holder(process, int.Parse((await process.StandardOutput.ReadLineAsync(Cancel))!, CultureInfo.InvariantCulture));
        }

        public void Dispose()
        {
            _process.Kill();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}

using ProofKey.Cli.Output;

namespace ProofKey.Cli.Tests;

/// <summary>The standard output and error, without the platform's own streams.</summary>
public sealed class StandardStreamTests
{
    [Fact]
    public async Task Lines_of_several_threads_stay_whole()
    {
        var path = Path.GetTempFileName();
        try
        {
            using (var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write))
            {
                var writer = new StandardStream((int)file.DangerousGetHandle()).NewWriter();
                await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(() =>
                {
                    for (var line = 0; line < 2_000; line++) writer.WriteLine($"{thread} {line} ends");
                })));
            }
            var lines = await File.ReadAllLinesAsync(path, TestContext.Current.CancellationToken);
            lines.ShouldBe(Enumerable.Range(0, 8).SelectMany(thread => Enumerable.Range(0, 2_000).Select(line => $"{thread} {line} ends")), ignoreOrder: true);
        }
        finally
        {
            File.Delete(path);
        }
    }
}

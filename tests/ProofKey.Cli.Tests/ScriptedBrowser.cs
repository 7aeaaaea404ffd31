using System.Text.RegularExpressions;
using ProofKey.Cli.Demo;

namespace ProofKey.Cli.Tests;

/// <summary>A person who is sent to the address that <c>proofkey login</c> prints, signs in there and agrees.</summary>
internal sealed partial class ScriptedBrowser() : IDisposable
{
    private readonly ScriptedPerson _person = new("alice", TestServer.Password);

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/authorize\?\S+(?=\s)")]
    public static partial Regex Address();

    /// <summary>Does so, and brings the answer back to the program.</summary>
    public async Task SignInAsync(RunningCli login)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var callback = await _person.AnswerAsync(new Uri((await login.UntilAsync(Address())).Value), cancellation);
        using var answer = await _person.OpenAsync(callback, cancellation);
        using var page = await _person.OpenAsync(new Uri(callback, answer.Headers.Location!), cancellation);
        page.IsSuccessStatusCode.ShouldBeTrue();
    }

    public void Dispose() => _person.Dispose();
}

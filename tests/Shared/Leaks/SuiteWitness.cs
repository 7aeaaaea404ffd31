using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace ProofKey.Tests.Leaks;

/// <summary>
/// Hears, from the first test of an assembly to the last, every secret that was made and everything that the client said: events, results, exceptions, log
/// lines, pages, and objects as they print. A test that comes <see cref="AfterAllOthers"/> looks through it.
/// </summary>
internal sealed class SuiteWitness
{
    private readonly ConcurrentDictionary<string, string> _secrets = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _texts = new(StringComparer.Ordinal);
    private readonly ConditionalWeakTable<Exception, object> _thrown = [];

    /// <summary>The one of this assembly.</summary>
    public static SuiteWitness OfThisSuite { get; } = new();

    public int Secrets => _secrets.Count;

    /// <summary>How many texts there are of each kind.</summary>
    public IReadOnlyDictionary<string, int> Texts => _texts.Values.GroupBy(kind => kind).ToDictionary(kind => kind.Key, kind => kind.Count());

    // Before any test: nobody needs to remember it.
    [ModuleInitializer]
    internal static void Listen()
    {
        // The start-up hook of the program's tests is of this assembly too, and the program has none of these.
        if (Assembly.GetEntryAssembly() == typeof(SuiteWitness).Assembly) Hear();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Hear()
    {
        ScriptedServer.Overheard = new Overheard(OfThisSuite.Secret, OfThisSuite.Said);
        AppDomain.CurrentDomain.FirstChanceException += (_, thrown) => OfThisSuite.Thrown(thrown.Exception);
    }

    /// <summary>The same events for a test that wants to see them itself.</summary>
    public static Action<ClientEvent> And(Action<ClientEvent>? own) => happened =>
    {
        OfThisSuite.Said("event", happened);
        own?.Invoke(happened);
    };

    /// <summary>A short text is a test's own, such as a token that is none.</summary>
    public void Secret(string name, string secret)
    {
        if (secret.Length >= 20) _secrets.TryAdd(secret, name);
    }

    /// <summary>The bytes of a key, as somebody might write them.</summary>
    public void Key(string name, ReadOnlySpan<byte> key)
    {
        Secret(name, Convert.ToBase64String(key));
        Secret(name, Base64UrlText.Encode(key));
        Secret(name, Convert.ToHexString(key));
        Secret(name, Convert.ToHexStringLower(key));
    }

    public void Said(string kind, object said) => _texts.TryAdd(said.ToString() ?? "", kind);

    /// <summary>Looks through all that was said for all that is secret.</summary>
    public IReadOnlyList<Leak> Find()
    {
        var search = new LeakSearch();
        foreach (var (secret, name) in _secrets) search.Add(name, secret);
        return [.. _texts.SelectMany(text => search.Find($"{text.Value} \"{Without(text.Key)}\"", text.Key)).Distinct()];
    }

    // Those that the library gives to its callers. What others throw within it, and it catches, nobody sees.
    private void Thrown(Exception thrown)
    {
        if (thrown is ClientException && _thrown.TryAdd(thrown, "")) Said("exception", thrown);
    }

    // Enough to find the place.
    private string Without(string text)
    {
        foreach (var secret in _secrets.Keys) text = text.Replace(secret, "…", StringComparison.Ordinal);
        return text.Length > 80 ? text[..80] : text;
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace ProofKey.Tests.Leaks;

/// <summary>
/// Hears, from the first test of an assembly to the last, every secret that was made and everything that the client said: events, results, exceptions, log
/// lines, pages, and objects as they print. A test that comes <see cref="AfterAllOthers"/> looks through it.
/// </summary>
internal sealed class SuiteWitness
{
    private static readonly ConcurrentDictionary<Assembly, bool> Library = [];

    private readonly ConcurrentDictionary<string, string> _secrets = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _texts = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Action> _tellers = new();
    private readonly ConditionalWeakTable<Exception, object> _thrown = [];

    /// <summary>The one of this assembly.</summary>
    public static SuiteWitness OfThisSuite { get; } = new();

    public int Secrets => _secrets.Count;

    /// <summary>What the secrets are called.</summary>
    public IReadOnlySet<string> Names => _secrets.Values.ToHashSet();

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
    public static Action<ProofKey.Client.ClientEvent> And(Action<ProofKey.Client.ClientEvent>? own) => happened =>
    {
        OfThisSuite.Said("event", happened);
        own?.Invoke(happened);
    };

    /// <summary>A short text is a test's own, such as a token that is none.</summary>
    public void Secret(string name, string secret)
    {
        if (secret.Length >= 20) _secrets.TryAdd(secret, name);
    }

    /// <summary>What everybody may know, such as the id of a client, is no secret where a test sends it for one.</summary>
    public void Known(string name) => _known.TryAdd(name, true);

    /// <summary>The bytes of a key, as somebody might write them.</summary>
    public void Key(string name, ReadOnlySpan<byte> key)
    {
        Secret(name, Convert.ToBase64String(key));
        Secret(name, Base64UrlText.Encode(key));
        Secret(name, Convert.ToHexString(key));
        Secret(name, Convert.ToHexStringLower(key));
    }

    public void Said(string kind, object said)
    {
        if (said.ToString() is { Length: > 0 } text) _texts.TryAdd(text, kind);
    }

    /// <summary>Who is still at work when the search begins is asked then for what it knows.</summary>
    public void AskAtTheEnd(Action tell) => _tellers.Enqueue(tell);

    /// <summary>Looks through all that was said for all that is secret.</summary>
    public IReadOnlyList<Leak> Find()
    {
        foreach (var tell in _tellers) tell();
        var (search, seen) = (new LeakSearch(), new Glimpses(_texts.Keys));
        foreach (var (secret, name) in _secrets.Where(secret => !_known.ContainsKey(secret.Key) && seen.Hold(secret.Key))) search.Add(name, secret);
        return [.. _texts.SelectMany(text => search.Find(text.Value, text.Key).Select(leak => leak with { Text = $"{text.Value} \"{Without(text.Key)}\"" })).Distinct()];
    }

    /// <summary>Looks through all that was said so far, and lets go of it.</summary>
    public IReadOnlyList<Leak> FindAndForget()
    {
        var leaks = Find();
        _secrets.Clear();
        _texts.Clear();
        return leaks;
    }

    /// <summary>
    /// Hears an exception of the client library, whatever its type: its callers may see what it throws, and what goes through it from those whom it calls. It may also catch that, and nobody sees
    /// it; where it goes cannot be told when it is thrown.
    /// </summary>
    public void Thrown(Exception thrown)
    {
        if (!_thrown.TryGetValue(thrown, out _) && IsOfTheLibrary(thrown) && _thrown.TryAdd(thrown, "")) Said("exception", thrown);
    }

    // What was thrown in an async method is thrown once more where that is awaited, with the places where it was before.
    private static bool IsOfTheLibrary(Exception thrown) => thrown is ProofKey.Client.ClientException || HasTheLibrary(new StackTrace(thrown)) || HasTheLibrary(new StackTrace());

    private static bool HasTheLibrary(StackTrace stack) => stack.GetFrames().Any(frame => frame.GetMethod()?.Module.Assembly is { } assembly && Library.GetOrAdd(assembly, IsLibrary));

    private static bool IsLibrary(Assembly assembly) => assembly.GetName().Name is "ProofKey.Client" or "ProofKey.Client.Extensions";

    // Enough to find the place.
    private string Without(string text)
    {
        foreach (var secret in _secrets.Keys) text = text.Replace(secret, "…", StringComparison.Ordinal);
        return text.Length > 80 ? text[..80] : text;
    }
}

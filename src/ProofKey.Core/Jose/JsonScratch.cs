using System.Buffers;
using System.Text.Json;

namespace ProofKey.Jose;

/// <summary>A buffer with a JSON writer on it, one kept per thread: signing is on the way of every sign-in.</summary>
internal sealed class JsonScratch
{
    private const int MaxKeptBytes = 16 * 1024;

    [ThreadStatic]
    private static JsonScratch? s_idle;

    private readonly ArrayBufferWriter<byte> _buffer = new(1024);

    private JsonScratch() => Writer = new Utf8JsonWriter(_buffer, Jws.WriterOptions);

    public Utf8JsonWriter Writer { get; }

    /// <summary>What was written; the writer must have been flushed.</summary>
    public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    // Taken out while in use, so that claims which sign another token while they are written get a buffer of their own.
    public static JsonScratch Take()
    {
        var scratch = s_idle ?? new JsonScratch();
        s_idle = null;
        return scratch;
    }

    /// <summary>Gives it back. Where writing failed it is simply dropped.</summary>
    public void GiveBack()
    {
        if (_buffer.Capacity > MaxKeptBytes) return;
        _buffer.ResetWrittenCount();
        Writer.Reset();
        s_idle = this;
    }
}

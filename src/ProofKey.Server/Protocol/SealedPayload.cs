using System.Buffers;
using System.Text;

namespace ProofKey.Server.Protocol;

/// <summary>
/// The compact binary form of what is sealed: numbers of variable length, bytes and texts with their length before them. Only our own
/// sealed values are ever read, so a value that does not end where it should is a defect and not an attack.
/// </summary>
internal sealed class SealedPayload
{
    private readonly ArrayBufferWriter<byte>? _writer;
    private readonly byte[] _source = [];
    private int _position;

    /// <summary>Starts a payload to be written.</summary>
    public SealedPayload() => _writer = new ArrayBufferWriter<byte>(256);

    /// <summary>Starts to read a payload.</summary>
    public SealedPayload(byte[] source) => _source = source;

    public ReadOnlySpan<byte> Written => _writer!.WrittenSpan;

    /// <summary>Whether all of it was read.</summary>
    public bool IsAtEnd => _position == _source.Length;

    public void Write(long number)
    {
        var rest = (ulong)number;
        while (rest >= 0x80)
        {
            WriteByte((byte)(rest | 0x80));
            rest >>= 7;
        }
        WriteByte((byte)rest);
    }

    public void Write(DateTimeOffset time) => Write(time.ToUnixTimeMilliseconds());

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Write(bytes.Length);
        _writer!.Write(bytes);
    }

    /// <summary>Writes a text; none at all is kept apart from the empty one.</summary>
    public void Write(string? text)
    {
        if (text is null)
        {
            Write(0);
            return;
        }
        var length = Encoding.UTF8.GetByteCount(text);
        Write(length + 1);
        Encoding.UTF8.GetBytes(text, _writer!.GetSpan(length));
        _writer.Advance(length);
    }

    public long ReadNumber()
    {
        ulong number = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = _source[_position++];
            number |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return (long)number;
        }
    }

    public DateTimeOffset ReadTime() => DateTimeOffset.FromUnixTimeMilliseconds(ReadNumber());

    public byte[] ReadBytes()
    {
        var length = (int)ReadNumber();
        var bytes = _source.AsSpan(_position, length).ToArray();
        _position += length;
        return bytes;
    }

    public string? ReadText()
    {
        var length = (int)ReadNumber() - 1;
        if (length < 0) return null;
        var text = Encoding.UTF8.GetString(_source, _position, length);
        _position += length;
        return text;
    }

    private void WriteByte(byte value)
    {
        _writer!.GetSpan(1)[0] = value;
        _writer.Advance(1);
    }
}

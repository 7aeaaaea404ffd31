using System.Buffers;
using System.Collections.Concurrent;
using System.Data;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace ProofKey.Server.Storage;

/// <summary>
/// A statement written as an interpolated string: its literal parts are the text, each hole becomes a parameter. There is no other way
/// to hand a statement to the database, so a value can never become part of the text.
/// </summary>
[InterpolatedStringHandler]
internal sealed class Sql
{
    private static readonly ConcurrentDictionary<string, string> Texts = new(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> KnownTexts = Texts.GetAlternateLookup<ReadOnlySpan<char>>();

    private readonly object?[] _values;
    private readonly DbType[] _types;
    private char[] _buffer;
    private int _length;
    private int _count;
    private string? _text;

    public Sql(int literalLength, int formattedCount)
    {
        _buffer = ArrayPool<char>.Shared.Rent(literalLength + (formattedCount * 4) + 1);
        _values = formattedCount == 0 ? [] : new object?[formattedCount];
        _types = formattedCount == 0 ? [] : new DbType[formattedCount];
    }

    /// <summary>The statement, with <c>$1</c>, <c>$2</c> … in place of the values; one instance for each distinct text.</summary>
    public string Text => _text ??= TakeText();

    /// <summary>The values of the parameters, in order.</summary>
    public ReadOnlySpan<object?> Values => _values.AsSpan(0, _count);

    /// <summary>The types of the parameters, in order; an absent value has one too.</summary>
    public ReadOnlySpan<DbType> Types => _types.AsSpan(0, _count);

    public void AppendLiteral(string literal) => Append(literal);

    public void AppendFormatted(string? value) => AppendValue(value, DbType.String);

    public void AppendFormatted(byte[]? value) => AppendValue(value, DbType.Binary);

    public void AppendFormatted(long value) => AppendValue(value, DbType.Int64);

    public void AppendFormatted(long? value) => AppendValue(value, DbType.Int64);

    public void AppendFormatted(bool value) => AppendValue(value ? 1L : 0L, DbType.Int64);

    /// <summary>A part of the text itself: only a constant of ours can be a <see cref="SqlPart"/>.</summary>
    public void AppendFormatted(SqlPart part) => Append(part.Text);

    private void AppendValue(object? value, DbType type)
    {
        Span<char> name = stackalloc char[8];
        name[0] = '$';
        (_count + 1).TryFormat(name[1..], out var digits, provider: CultureInfo.InvariantCulture);
        Append(name[..(1 + digits)]);
        _types[_count] = type;
        _values[_count++] = value ?? DBNull.Value;
    }

    private void Append(ReadOnlySpan<char> text)
    {
        if (_length + text.Length > _buffer.Length)
        {
            var larger = ArrayPool<char>.Shared.Rent((_length + text.Length) * 2);
            _buffer.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<char>.Shared.Return(_buffer);
            _buffer = larger;
        }
        text.CopyTo(_buffer.AsSpan(_length));
        _length += text.Length;
    }

    private string TakeText()
    {
        var written = _buffer.AsSpan(0, _length);
        if (!KnownTexts.TryGetValue(written, out var text))
            text = Texts.GetOrAdd(written.ToString(), static added => added);
        ArrayPool<char>.Shared.Return(_buffer);
        _buffer = [];
        return text;
    }
}

/// <summary>A constant piece of SQL that several statements share.</summary>
/// <param name="Text">The piece; it must be a constant of the program.</param>
internal sealed record SqlPart(string Text);

using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace ProofKey.Server.Http;

/// <summary>Reads a form body strictly: one media type, a bounded size, no encoding but the one of RFC 6749 appendix B.</summary>
internal static class FormReader
{
    /// <summary>The most bytes of a form.</summary>
    public const int MaxLength = 32 * 1024;

    /// <summary>Reads the form of a request. Its query is not looked at (RFC 6749 section 3.2).</summary>
    /// <returns>The parameters, or what is wrong with the body.</returns>
    public static async ValueTask<FormResult> ReadAsync(HttpContext context)
    {
        if (!IsForm(context.Request.ContentType)) return new(null, "Send the parameters in the body as application/x-www-form-urlencoded.");
        if (context.Request.ContentLength > MaxLength) return new(null, TooLong, StatusCodes.Status413PayloadTooLarge);
        // One byte more than may come tells a body that is too long.
        var most = (int)(context.Request.ContentLength ?? MaxLength) + 1;
        var buffer = ArrayPool<byte>.Shared.Rent(most);
        var length = 0;
        try
        {
            int read;
            while ((read = await context.Request.Body.ReadAsync(buffer.AsMemory(length, most - length), context.RequestAborted)) > 0)
                if ((length += read) == most) return new(null, TooLong, StatusCodes.Status413PayloadTooLarge);
            return Parse(buffer.AsSpan(0, length));
        }
        finally
        {
            // What was read is cleared, and not the many times longer rest of a buffer.
            buffer.AsSpan(0, length).Clear();
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Reads a form in which no parameter may come twice, and none may come once more in the query (RFC 6749 section 3.2).</summary>
    /// <param name="context">The request.</param>
    /// <param name="repeatable">The one name that may repeat, or none.</param>
    /// <returns>The parameters, or what is wrong with the request.</returns>
    public static async ValueTask<FormResult> ReadOnceAsync(HttpContext context, string? repeatable = null)
    {
        var read = await ReadAsync(context);
        if (read.Parameters is not { } form) return read;
        var isRepeated = form.Duplicate(repeatable) is not null || (context.Request.QueryString.HasValue && form.Pairs.Any(pair => context.Request.Query.ContainsKey(pair.Key)));
        return isRepeated ? new(null, "A parameter was sent more than once; send each one once.") : read;
    }

    private const string TooLong = "The body is longer than 32 KiB.";

    private static FormResult Parse(ReadOnlySpan<byte> body)
    {
        var characters = ArrayPool<char>.Shared.Rent(body.Length);
        try
        {
            // One character for one byte: what is not ASCII is refused by the parser, not replaced.
            Encoding.Latin1.GetChars(body, characters);
            return Parameters.TryParse(characters.AsSpan(0, body.Length), out var parameters, out var problem) ? new(parameters, null) : new(null, problem);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(characters, clearArray: true);
        }
    }

    private static bool IsForm(string? contentType) =>
        string.Equals(contentType, "application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase)
        || (MediaTypeHeaderValue.TryParse(contentType, out var type)
            && type.MediaType.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase)
            && (!type.Charset.HasValue || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase)));
}

/// <summary>A form that was read, or why it could not be.</summary>
internal readonly record struct FormResult(Parameters? Parameters, string? Problem, int Status = StatusCodes.Status400BadRequest)
{
    public bool TryGet([NotNullWhen(true)] out Parameters? parameters, [NotNullWhen(false)] out string? problem)
    {
        (parameters, problem) = (Parameters, Problem);
        return parameters is not null;
    }
}

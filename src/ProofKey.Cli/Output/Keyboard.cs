using System.Text;
using System.Threading.Channels;

namespace ProofKey.Cli.Output;

/// <summary>
/// The keys that a person presses, one by one and not shown: what is pasted here holds a code. Made only where a terminal is; what stands
/// in a pipe was meant for somebody else.
/// </summary>
internal sealed class Keyboard
{
    // An address is far shorter.
    private const int MaxLine = 16 * 1024;

    // Keys that come faster are pasted, or typed ahead by a terminal, and choose nothing.
    private static readonly TimeSpan OneByOne = TimeSpan.FromMilliseconds(50);

    private readonly Channel<char> _keys = Channel.CreateUnbounded<char>();

    private Keyboard()
    {
        // Reading a key cannot be cancelled; the thread ends with the process.
        var reading = new Thread(Read) { IsBackground = true, Name = "keyboard" };
        reading.Start();
    }

    /// <summary>The keyboard, if a person may be asked.</summary>
    public static Keyboard? Of(Terminal terminal, bool mayAsk) => mayAsk && terminal.CanAsk ? new Keyboard() : null;

    /// <summary>Waits for one of some keys at the start of a line, or for a whole line.</summary>
    /// <param name="keys">The keys that act at once, where no other follows at once: an address that is pasted has all of them in it.</param>
    /// <param name="takesLines">Whether lines are wanted at all.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The key alone, or the line.</returns>
    public async Task<string> NextAsync(string keys, bool takesLines, CancellationToken cancellation)
    {
        var line = new StringBuilder();
        while (true)
        {
            var key = await _keys.Reader.ReadAsync(cancellation);
            if (line.Length == 0 && keys.Contains(char.ToLowerInvariant(key), StringComparison.Ordinal) && !await FollowsAsync(cancellation)) return char.ToLowerInvariant(key).ToString();
            if (!takesLines)
            {
                while (await FollowsAsync(cancellation)) _keys.Reader.TryRead(out _);
                continue;
            }
            if (key is '\r' or '\n')
            {
                if (line.Length > 0) return line.ToString();
            }
            else if (key is '\b' or '\u007f')
            {
                line.Length = Math.Max(0, line.Length - 1);
            }
            else if (key >= ' ' && line.Length < MaxLine)
            {
                line.Append(key);
            }
        }
    }

    private async Task<bool> FollowsAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(OneByOne);
        try
        {
            return await _keys.Reader.WaitToReadAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    private void Read()
    {
        try
        {
            while (true) _keys.Writer.TryWrite(Console.ReadKey(intercept: true).KeyChar);
        }
        catch (Exception gone) when (gone is InvalidOperationException or IOException)
        {
            // The terminal was closed; the wait for the browser goes on.
        }
    }
}

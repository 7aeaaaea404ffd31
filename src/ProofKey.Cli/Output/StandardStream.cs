using System.Runtime.InteropServices;

namespace ProofKey.Cli.Output;

/// <summary>
/// The standard output or error of a Unix system as it is. The platform's own stream for it reads the terminal's description first and sets its keypad, even where
/// the output goes elsewhere: that takes time, and writes into the command line while a shell completes it.
/// </summary>
internal sealed partial class StandardStream(int descriptor) : Stream
{
    private const int Interrupted = 4;
    private const int BrokenPipe = 32;
    private const short Writable = 4;
    private const short Broken = 8;
    private const short HungUp = 16;

    private bool _isGone;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>
    /// Whether nobody reads any more, as after the first line for <c>head -n 1</c>. Other programs are ended by a signal then, which the runtime ignores: who writes without end has to ask.
    /// </summary>
    public bool IsGone
    {
        get
        {
            if (_isGone) return true;
            var waited = new Waited { Descriptor = descriptor };
            return _isGone = WaitFor(ref waited, 1, 0) > 0 && (waited.Happened & (Broken | HungUp)) != 0;
        }
    }

    /// <summary>A writer for it. As with the platform's own, several threads may speak at once.</summary>
    public TextWriter NewWriter() => TextWriter.Synchronized(new StreamWriter(this) { AutoFlush = true });

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var written = (int)WriteTo(descriptor, buffer, (nuint)buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[written..];
                continue;
            }
            var error = Marshal.GetLastPInvokeError();
            // Whoever read has seen enough, as head has.
            if (error == BrokenPipe)
            {
                _isGone = true;
                return;
            }
            var again = OperatingSystem.IsMacOS() ? 35 : 11;
            var waited = new Waited { Descriptor = descriptor, Events = Writable };
            if (error == again) _ = WaitFor(ref waited, 1, -1);
            else if (error != Interrupted) throw new IOException($"It cannot be written: {Marshal.GetPInvokeErrorMessage(error)}.");
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint WriteTo(int descriptor, ReadOnlySpan<byte> bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int WaitFor(ref Waited waited, nuint count, int milliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct Waited
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }
}

using ProofKey.Cli.Hosting;

namespace ProofKey.Server.Tests.Support;

/// <summary>The log of a database in a file, from outside.</summary>
internal static class SqliteLog
{
    /// <summary>How many commits the database in a folder has had: the index of its log counts them (https://sqlite.org/walformat.html#the_wal_index_header, iChange).</summary>
    public static long CommitsIn(string folder)
    {
        using var index = new FileStream(Path.Combine(folder, DataFolder.DatabaseName + "-shm"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        Span<byte> header = stackalloc byte[12];
        index.ReadExactly(header);
        return BitConverter.ToUInt32(header[8..]);
    }
}

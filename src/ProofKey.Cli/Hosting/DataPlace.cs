using System.Data.Common;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Hosting;

/// <summary>Where a server's rows are, and the key that opens those of them which are keys.</summary>
internal abstract class DataPlace(byte[] rootKey)
{
    /// <summary>The key that wraps all others.</summary>
    public byte[] RootKey { get; } = rootKey;

    /// <summary>The place for people to read; nothing secret is in it.</summary>
    public abstract string Location { get; }

    /// <summary>Which program keeps the rows, for people.</summary>
    public abstract string Description { get; }

    /// <summary>The options that make another command mean this place, without anything secret.</summary>
    public abstract string Options { get; }

    /// <summary>What kind of database it is.</summary>
    public abstract DatabaseDialect Dialect { get; }

    /// <summary>The database; the caller owns it.</summary>
    public abstract DbDataSource CreateDataSource();
}

namespace ProofKey.Client;

/// <summary>Folders that other machines may have too, or that a program serves. Some of them take a lock that holds nobody up, and none of them says which it does.</summary>
internal static class NetworkFolder
{
    /// <summary>The kind of file system that a folder is on, or that it will be made on.</summary>
    /// <returns>Such as <c>nfs</c>; <see langword="null"/> for one of this machine, or where nobody knows.</returns>
    public static string? KindOf(string folder)
    {
        try
        {
            var there = folder;
            while (!Directory.Exists(there) && Path.GetDirectoryName(there) is { } parent) there = parent;
            var drive = new DriveInfo(there);
            return IsOne(drive.DriveType, drive.DriveFormat) ? drive.DriveFormat : null;
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    internal static bool IsOne(DriveType type, string format) => type == DriveType.Network || format.StartsWith("fuse", StringComparison.Ordinal);
}

using Microsoft.Win32.SafeHandles;

namespace ProofKey.Client.Tests;

/// <summary>A lock is one that the system gave, or an error: never something that only looks like one.</summary>
public sealed class LockFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Lock => Path.Combine(_folder.Path, "some.lock");

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Assertion("RT-15")]
    public void One_holder_has_it_and_the_next_one_after_that()
    {
        using (var first = LockFile.TryTake(Lock).ShouldNotBeNull())
        {
            LockFile.TryTake(Lock).ShouldBeNull();
            LockFile.HolderOf(Lock).ShouldBe($"process {Environment.ProcessId}");
        }
        using var second = LockFile.TryTake(Lock).ShouldNotBeNull();
    }

    [Fact]
    [Assertion("RT-15")]
    public void A_file_system_that_refuses_locks_is_told_and_not_passed_over()
    {
        // Every error but that another one has it, such as those of a network disk without a lock service.
        using var unlockable = new SafeFileHandle(1_000_000, ownsHandle: false);

        var problem = Should.Throw<TokenStoreException>(() => LockFile.TryLock(unlockable, Lock));

        problem.State.ShouldBe(TokenStoreState.Denied);
        problem.Message.ShouldContain("the file system refuses it");
        problem.Remedy.ShouldContain("local disk");
    }

    [Fact]
    [Assertion("CL-12")]
    public void A_link_in_the_place_of_a_lock_is_refused_and_what_it_leads_to_stays_as_it_is()
    {
        var precious = Path.Combine(_folder.Path, "precious");
        File.WriteAllText(precious, "not to be overwritten");
        File.CreateSymbolicLink(Lock, precious);

        Should.Throw<TokenStoreException>(() => LockFile.TryTake(Lock)).State.ShouldBe(TokenStoreState.Exposed);

        File.ReadAllText(precious).ShouldBe("not to be overwritten");
    }

    [Fact]
    public void A_link_to_nowhere_is_refused_likewise()
    {
        File.CreateSymbolicLink(Lock, Path.Combine(_folder.Path, "nowhere"));

        Should.Throw<TokenStoreException>(() => LockFile.TryTake(Lock)).State.ShouldBe(TokenStoreState.Exposed);

        File.Exists(Path.Combine(_folder.Path, "nowhere")).ShouldBeFalse();
    }

    [Theory]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    [Assertion("CL-12")]
    public void A_folder_that_others_may_write_to_has_no_lock_before_there_is_a_vault_either(UnixFileMode extra)
    {
        var mode = File.GetUnixFileMode(_folder.Path);
        File.SetUnixFileMode(_folder.Path, mode | extra);

        Should.Throw<TokenStoreException>(() => LockFile.TryTake(Lock)).State.ShouldBe(TokenStoreState.Exposed);
        File.Exists(Lock).ShouldBeFalse();

        File.SetUnixFileMode(_folder.Path, mode | extra | UnixFileMode.StickyBit);
        using var held = LockFile.TryTake(Lock).ShouldNotBeNull("in a sticky folder nobody replaces what is ours");
    }

    [Theory]
    [InlineData("1234        abcdefgh", "process 1234")]
    [InlineData("1234        abcdefghweb-2                                                           ", "process 1234 on web-2")]
    [InlineData("1234        abcdefghweb\u001b2                                                           ", "process 1234")]
    [InlineData("", "another process")]
    [InlineData("no number   abcdefgh", "another process")]
    public void A_holder_on_another_machine_is_named_with_it(string written, string named)
    {
        File.WriteAllText(Lock, written);

        LockFile.HolderOf(Lock).ShouldBe(named);
    }

    [Fact]
    public void What_cannot_be_looked_at_names_nobody() => OwnerFile.Peek(_folder.Path, new byte[16]).ShouldBe(0);

    [Theory]
    [InlineData(DriveType.Network, "nfs", true)]
    [InlineData(DriveType.Network, "cifs", true)]
    [InlineData(DriveType.Fixed, "fuse.sshfs", true)]
    [InlineData(DriveType.Fixed, "ext4", false)]
    [InlineData(DriveType.Ram, "tmpfs", false)]
    public void A_folder_that_other_machines_may_have_too_is_known_by_its_file_system(DriveType type, string format, bool isOne)
    {
        NetworkFolder.IsOne(type, format).ShouldBe(isOne);
        NetworkFolder.KindOf(Path.Combine(_folder.Path, "not", "there", "yet")).ShouldBeNull();
    }
}

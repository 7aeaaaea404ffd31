using System.Runtime.InteropServices;
using ProofKey.Tests.Keyrings;

namespace ProofKey.Client.Tests;

/// <summary>A keyring that is locked, or started anew, while the program that asked it runs on: libsecret remembers what it was told before.</summary>
public sealed class LockedKeyringTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("RT-16")]
    public async Task A_keyring_that_is_locked_while_a_program_runs_is_locked_for_it_and_its_key_is_never_replaced()
    {
        using var folder = new TemporaryFolder();
        await using var keyring = await Keyring.StartAsync(Path.Combine(folder.Path, "keyring"));
        SetVariable("DBUS_SESSION_BUS_ADDRESS", keyring.Address);
        var application = $"test-{Secret.NewText(6)}";
        await SaveAsync(Store("here", folder, application));
        var before = await FileAsync(folder);

        await keyring.LockAsync();
        await ThrowsLockedAsync(folder, application);
        (await FileAsync(folder)).ShouldBe(before, "nothing was stored in the place of the key");

        await keyring.RestartAsync();
        (await Store("here", folder, application).ListAsync(Cancel)).ShouldHaveSingleItem();

        // New secrets go to a collection that is open, and the key is in one that is locked.
        await keyring.ChooseAnotherAsync();
        (await Store("here", folder, application).ListAsync(Cancel)).ShouldHaveSingleItem();
        await keyring.LockAsync();
        await ThrowsLockedAsync(folder, application);
    }

    private static async Task ThrowsLockedAsync(TemporaryFolder folder, string application)
    {
        (await Should.ThrowAsync<TokenStoreException>(() => Store("here", folder, application).ListAsync(Cancel))).State.ShouldBe(TokenStoreState.Locked);
        (await Should.ThrowAsync<TokenStoreException>(() => Store("there", folder, application).ProbeAsync("default", Cancel))).State.ShouldBe(TokenStoreState.Locked);
        // A keyring that would store it asks a person first, who is not there.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20), TimeProvider.System);
        Should.Throw<KeychainException>(() => new SecretService().Store(application, Secret.NewText(32), limit.Token)).State.ShouldBe(TokenStoreState.Locked);
    }

    // As a client sees it that has not asked before.
    private static TokenStore Store(string name, TemporaryFolder folder, string application) =>
        TokenStore.EncryptedFile(Path.Combine(folder.Path, name), new KeychainKey(application, new SecretService()));

    private static async Task SaveAsync(TokenStore store)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Store = store });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
    }

    private static Task<byte[]> FileAsync(TemporaryFolder folder) => File.ReadAllBytesAsync(Path.Combine(folder.Path, "keyring", "share", "keyrings", "login.keyring"), Cancel);

    // The platform's own variables are a copy that no other library sees.
    private static void SetVariable(string name, string value) =>
        Marshal.GetDelegateForFunctionPointer<SetEnvironment>(NativeLibrary.GetExport(NativeLibrary.Load("libglib-2.0.so.0"), "g_setenv"))(name, value, 1).ShouldNotBe(0);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int SetEnvironment([MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);
}

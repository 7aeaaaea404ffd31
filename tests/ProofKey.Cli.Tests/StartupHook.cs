/// <summary>
/// What the runtime calls in a program that is started with <c>DOTNET_STARTUP_HOOKS</c>: at the program's end it writes down which assemblies it has loaded, and
/// from where. So the program needs no switch for it.
/// </summary>
// CA1050: the runtime looks for this very name outside of any namespace.
#pragma warning disable CA1050
internal static class StartupHook
{
    public const string FileVariable = "STARTUP_HOOK_FILE";

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(FileVariable) is not { } file) return;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => File.WriteAllLines(file, AppDomain.CurrentDomain.GetAssemblies().Where(assembly => !assembly.IsDynamic).Select(assembly => assembly.Location));
    }
}

using System.CommandLine;

namespace ProofKey.Cli.Commands;

/// <summary>All verbs there are: the table of contents of the program.</summary>
internal static class RootVerbs
{
    public static RootCommand Create()
    {
        var root = new RootCommand("Sign people in with the authorization code flow and PKCE: run a server, be a client of one.");
        root.Options.Remove(root.Options.OfType<System.CommandLine.Help.HelpOption>().Single());
        root.Options.OfType<VersionOption>().Single().Description = "Show the version.";
        root.Add(Help.Option);
        root.Add(CommonOptions.Config);
        root.Add(new ServeVerb());
        root.Add(new VerbGroup("client", "Register clients at a server: of a data folder, or of a database.", new ClientAddVerb(), new ClientListVerb(), new ClientShowVerb(), new ClientUpdateVerb(), new ClientRemoveVerb()));
        root.Add(new VerbGroup("resource", "Register the APIs that access tokens can be for.", new ResourceAddVerb(), new ResourceListVerb(), new ResourceUpdateVerb(), new ResourceRemoveVerb()));
        root.Add(new VerbGroup("scope", "Put scopes into words for the people who are asked for them.", new ScopeSetVerb(), new ScopeListVerb(), new ScopeRemoveVerb()));
        root.Add(new VerbGroup("user", "Say who can sign in at a server: of a data folder, or of a database.",
            new UserAddVerb(), new UserListVerb(), new UserShowVerb(), new UserDisableVerb(), new UserEnableVerb(), new UserResetVerb(), new UserRemoveVerb()));
        root.Add(new VerbGroup("grant", "Look at who is signed in at which client, and end it.", new GrantListVerb(), new GrantRevokeVerb()));
        root.Add(new VerbGroup("key", "Look at the keys of a server, and change them.", new KeyListVerb(), new KeyRotateVerb(), new KeyRewrapVerb()));
        root.Add(new VerbGroup("database", "Look at the database of a server as a whole, and move it.", new DatabaseMigrateVerb(), new DatabaseCheckVerb(), new DatabaseBackupVerb(), new DatabaseRestoreVerb(), new DatabaseCopyVerb()));
        root.Add(new AuditLogVerb());
        root.Add(new DoctorVerb());
        root.Add(new VerbGroup("store", "Say how sessions are kept.", new StoreMoveVerb()));
        foreach (var verb in new Verb[] { new LoginVerb(), new TokenVerb(), new CallVerb(), new ExecVerb(), new WhoamiVerb(), new ListVerb(), new SwitchVerb(), new LogoutVerb(), new DecodeVerb(), new DemoVerb(), new CompletionVerb(), new ManualVerb() }) root.Add(verb);
        RefuseMistyped(root);
        return root;
    }

    // An option that there is not would be taken for a name, an address or a file.
    private static void RefuseMistyped(Command command)
    {
        foreach (var argument in command.Arguments)
            argument.Validators.Add(result =>
            {
                if (result.Tokens is [{ Value: var first }, ..] && first.StartsWith("--", StringComparison.Ordinal)) result.AddError(UsageError.Unrecognized(first));
            });
        foreach (var below in command.Subcommands) RefuseMistyped(below);
    }
}

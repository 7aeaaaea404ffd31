using System.CommandLine;

namespace ProofKey.Cli.Commands;

/// <summary>A command with examples in its help.</summary>
internal abstract class Verb : Command
{
    /// <param name="name">The word that is typed.</param>
    /// <param name="description">What it does, one sentence.</param>
    /// <param name="examples">Lines that can be typed as they are, names aside; at least one.</param>
    protected Verb(string name, string description, params string[] examples)
        : base(name, description)
    {
        Examples = examples;
        SetAction((parsed, cancellation) => RunAsync(Invocation.Of(parsed, cancellation)));
    }

    public IReadOnlyList<string> Examples { get; }

    /// <summary>
    /// The options that count on the command line alone, since they say what is changed, chosen or looked for this one time: no variable and no file that is
    /// there for another command says it.
    /// </summary>
    public virtual IReadOnlyList<Option> TypedAlone => [];

    /// <summary>Those of them whose variable and key are the option of another verb: where both read one file, it may stand there.</summary>
    public virtual IReadOnlyList<Option> OfAnotherVerb => [];

    /// <summary>Adds the options that say where a server's rows are.</summary>
    protected void AddPlace()
    {
        foreach (var option in CommonOptions.Place) Add(option);
    }

    /// <summary>Does it.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    protected abstract Task<int> RunAsync(Invocation invocation);
}

/// <summary>A word that verbs share, such as <c>client</c> of <c>client add</c>.</summary>
internal sealed class VerbGroup : Command
{
    public VerbGroup(string name, string description, params Verb[] verbs)
        : base(name, description)
    {
        foreach (var verb in verbs) Add(verb);
    }
}

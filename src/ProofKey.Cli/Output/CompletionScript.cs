namespace ProofKey.Cli.Output;

/// <summary>What a shell is taught: to ask the program for what can come next.</summary>
internal static class CompletionScript
{
    /// <summary>What stands alone on a line where a file's name is wanted.</summary>
    public const string Files = ":files";

    public static readonly string[] Shells = ["bash", "zsh", "fish", "powershell"];

    /// <summary>The script for a shell.</summary>
    public static string Of(string shell) => shell switch { "bash" => Bash, "zsh" => Zsh, "fish" => Fish, _ => PowerShell };

    /// <summary>A candidate as that script reads it.</summary>
    public static string Line(string shell, Candidate candidate) => shell switch
    {
        "bash" => candidate.Word,
        // _describe takes the first colon for the end of the word.
        "zsh" => $"{candidate.Word.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal)}:{candidate.Description}",
        _ => $"{candidate.Word}\t{candidate.Description}",
    };

    // Words end at white space here, whatever COMP_WORDBREAKS says; what bash takes for the word begins after the last ':' or '='. No newer bash than 3.2 is needed.
    private const string Bash = """
        # bash completion of proofkey; in ~/.bashrc: source <(proofkey completion bash)
        _proofkey() {
            local line=${COMP_LINE:0:COMP_POINT} words word start reply IFS=$' \t\n'
            read -ra words <<<"$line"
            word=${line##*[[:space:]]}
            if [[ -n $word ]]; then unset "words[$((${#words[@]} - 1))]"; fi
            reply=$(proofkey completion bash -- "${words[@]:1}" "=$word" 2>/dev/null) || return
            start=${word%"${word##*[=:]}"}
            COMPREPLY=()
            if [[ $reply == :files ]]; then
                compopt -o filenames 2>/dev/null
                while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$2")
                return
            fi
            while IFS= read -r word; do
                if [[ -z $word ]]; then continue; fi
                # What it means to the shell is no part of the word, as in an address with ; or $.
                printf -v word %q "${word#"$start"}"
                COMPREPLY+=("$word")
            done <<<"$reply"
        }
        complete -F _proofkey proofkey
        """;

    private const string Zsh = """
        #compdef proofkey
        # zsh completion of proofkey; in ~/.zshrc, after compinit: source <(proofkey completion zsh)
        _proofkey() {
            local -a reply
            reply=("${(@f)$(proofkey completion zsh -- "${(@)words[2,CURRENT-1]}" "=${words[CURRENT]}" 2>/dev/null)}")
            if [[ ${reply[1]} == :files ]]; then
                _files
            elif [[ -n ${reply[1]} ]]; then
                _describe 'proofkey' reply
            fi
        }
        if [[ ${funcstack[1]} == _proofkey ]]; then _proofkey "$@"; else compdef _proofkey proofkey; fi
        """;

    private const string Fish = """
        # fish completion of proofkey; in ~/.config/fish/config.fish: proofkey completion fish | source
        function __proofkey_complete
            set -l words (commandline -opc)
            set -l word (commandline -ct)
            set -l reply (proofkey completion fish -- $words[2..-1] "=$word" 2>/dev/null)
            if test "$reply[1]" = :files
                __fish_complete_path "$word"
            else
                printf '%s\n' $reply
            end
        end
        complete -c proofkey -f -a '(__proofkey_complete)'
        """;

    private const string PowerShell = """
        # PowerShell completion of proofkey; in $PROFILE: proofkey completion powershell | Out-String | Invoke-Expression
        Register-ArgumentCompleter -Native -CommandName proofkey -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)
            $before = @($commandAst.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $value = $_.PSObject.Properties['Value']; if ($value) { "$($value.Value)" } else { $_.ToString() } })
            $typed = $wordToComplete.Trim('"', "'")
            $reply = @(proofkey completion powershell -- @before "=$typed" 2>$null)
            if ($reply.Count -gt 0 -and $reply[0] -ne ':files') {
                foreach ($line in $reply) {
                    $word, $description = $line -split "`t", 2
                    if (-not $description) { $description = $word }
                    $text = if ($word -match '[\s;&|<>(){}$''"`,@#]') { "'" + $word.Replace("'", "''") + "'" } else { $word }
                    [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $description)
                }
            }
        }
        """;
}

"""Hold the completion script of each shell. The scripts ask `wfctl`, so they do not change with its commands.

`completions/` holds them as files, written by `completions/make.py`; `wfctl completion` prints and installs them.
"""

BASH = r"""# bash completion for wfctl
_wfctl_completion() {
    local answer line
    answer=$(_WFCTL_COMPLETE=bash "${1/#\~/$HOME}" "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
    COMPREPLY=()
    if [[ $answer == :files ]]; then
        compopt -o default 2>/dev/null && return 0
        answer=$(compgen -f -- "$2")
    fi
    # Not as an array of $answer: that would look for files by what stands in it.
    while IFS= read -r line; do
        [[ -n $line ]] && COMPREPLY+=("$line")
    done <<< "$answer"
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
    return 0
}
complete -o nosort -F _wfctl_completion wfctl 2>/dev/null || complete -F _wfctl_completion wfctl
"""

ZSH = r"""#compdef wfctl
# zsh completion for wfctl
_wfctl() {
    local -a answer found
    local line value help
    answer=( "${(@f)$(_WFCTL_COMPLETE=zsh "${~words[1]}" "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}" )
    if [[ $answer[1] == :files ]]; then
        _files
        return
    fi
    for line in "${answer[@]}"; do
        [[ -n $line ]] || continue
        value=${line%%$'\t'*}
        help=${${line#"$value"}#$'\t'}
        found+=( "${${value//\\/\\\\}//:/\\:}${help:+:${help//\\/\\\\}}" )
    done
    # Without -Q: zsh itself quotes what it inserts.
    (( $#found )) && _describe -V 'wfctl' found
}
if [[ $funcstack[1] == _wfctl ]]; then
    _wfctl "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _wfctl wfctl
fi
"""

FISH = r"""# fish completion for wfctl
function __wfctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    # The word as it is meant; its quotation may be open still.
    set -l plain (string unescape -- "$current"; or string unescape -- "$current'"; or string unescape -- "$current\"")
    set -l answer (env _WFCTL_COMPLETE=fish $words[1] $words[2..-1] "$plain" 2>/dev/null)
    if test "$answer[1]" = ':files'
        __fish_complete_path "$current"
    else if test (count $answer) -gt 0
        printf '%s\n' $answer
    end
end
complete --command wfctl --no-files --keep-order --arguments '(__wfctl_complete)'
"""

POWERSHELL = r"""# PowerShell completion for wfctl
Register-ArgumentCompleter -Native -CommandName wfctl -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object { if ($null -ne $_.Value) { [string]$_.Value } else { $_.Extent.Text } })
    $env:_WFCTL_COMPLETE = 'powershell'
    $env:_WFCTL_WORD = $wordToComplete
    try {
        & wfctl @words 2>$null | ForEach-Object {
            if ($_ -eq ':files') { return }
            $value, $help = $_ -split "`t", 2 | ForEach-Object { [regex]::Unescape($_) }
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
        }
    } finally {
        Remove-Item Env:_WFCTL_COMPLETE, Env:_WFCTL_WORD -ErrorAction SilentlyContinue
    }
}
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH, "powershell": POWERSHELL}
FILE_NAMES = {"bash": "wfctl.bash", "zsh": "wfctl.zsh", "fish": "wfctl.fish", "powershell": "wfctl.ps1"}

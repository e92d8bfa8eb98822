#compdef wfctl
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

# bash completion for wfctl
_wfctl_completion() {
    local IFS=$'\n' answer
    answer=$(_WFCTL_COMPLETE=bash "${1/#\~/$HOME}" "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
    if [[ $answer == :files ]]; then
        compopt -o default 2>/dev/null || COMPREPLY=( $(compgen -f -- "${COMP_WORDS[COMP_CWORD]}") )
        return 0
    fi
    COMPREPLY=( $answer )
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
    return 0
}
complete -o nosort -F _wfctl_completion wfctl 2>/dev/null || complete -F _wfctl_completion wfctl

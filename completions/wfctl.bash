# bash completion for wfctl
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

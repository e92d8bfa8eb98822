# fish completion for wfctl
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

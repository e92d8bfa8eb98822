# PowerShell completion for wfctl
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

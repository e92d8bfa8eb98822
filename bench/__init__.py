"""What wfctl reaches on this machine, as ratios to what the machine reaches: `python -m bench [NAME...]`."""

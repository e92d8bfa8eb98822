"""wfctl beside its peers, in turns in one run: `./dev bench peers`. What they are is in `all_peers`."""

"""Read the code of workflows, and tell what will not be the same in a replay, without running it.

`lint` finds the functions that an app registers and those that they call, `function` reads one, `rules` knows what is
not for a workflow, `source` knows the files: their imports, and the comments that silence a warning.
"""

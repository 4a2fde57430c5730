"""Pages over stored runs: a list, every report, what is stored step by step, two runs together.

The same pages are served on this machine (`serve`) and written as plain files (`write_bundle`).
Nothing is written into a run, and no page holds anything of a run that could run.
"""

"""The checks of `doctor`: values that were seen, and verdicts on them. No I/O.

`seen` has the values, `diagnosis` the verdicts, `scope` the needs of each command. Every other module judges one
theme.
"""

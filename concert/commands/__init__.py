"""The commands, a file for each kind of errand. They read settings, call what does the work, and say what came of it.

Heavy imports stand inside the functions: `concert --help` and `concert token` load no servers and no SDK.
"""

"""A lesson: the paper's example, eqs. 42-54, in a notebook and in a debugger. README.md here says how to begin."""

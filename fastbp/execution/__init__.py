"""Plans, buffers and threads: how compiled kernels are run; compiling ahead."""

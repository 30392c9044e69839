"""What a task does: the kernels that a program calls, how its phases are split into tasks, a layer's arrays."""

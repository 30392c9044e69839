"""Training on several processes, called ranks, by MPI: rows travel to blocks, gradients are added in one order."""

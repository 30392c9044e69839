"""What runs when, and on which thread: minibatches, phases, tasks."""

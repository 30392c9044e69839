"""Checkpoints of a training: what they hold, when they are written, and how a training goes on with one."""

"""How close each kernel of a training step comes to what the machine can do: `fastbp.profile`."""

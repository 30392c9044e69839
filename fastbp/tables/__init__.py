"""Tables as people have them: what each column is, and the numbers that a network takes for it."""

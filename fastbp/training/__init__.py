"""The loop over epochs, its history and its progress bar; scores."""

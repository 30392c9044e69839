"""The loop over epochs, its history and its progress bar; the learning-rate range test."""

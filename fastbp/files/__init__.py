"""What goes in and out as files: data sets and saved models."""

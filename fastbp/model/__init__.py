"""The network: layers, parameters, settings, state."""

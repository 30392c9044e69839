"""What entries are made of, and the layouts of records: none of it needs Numba."""

"""How to take a profiled run under Linux perf, which counts what no clock sees: cache misses, stalls, branches."""

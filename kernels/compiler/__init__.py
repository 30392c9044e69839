"""How functions are compiled and kept: the only place that names compiler options and the cache."""

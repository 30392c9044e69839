"""Diagnosis, profiler, report, machine."""

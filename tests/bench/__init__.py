"""Measures Table Trail against the baselines that it carries, in one run: `make bench`."""

"""The pure core: no network, clock, environment, logging or files."""

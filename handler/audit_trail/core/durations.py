"""Durations in words."""


def lasting(seconds: float) -> str:
    """Say how long something lasts: in its largest unit that there are two of, and never less than nothing."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"

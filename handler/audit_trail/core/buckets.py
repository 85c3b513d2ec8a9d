"""Which buckets are a trail's own."""


def own_buckets(history: str, failures: str | None) -> tuple[str, ...]:
    """Return the names of a trail's buckets, each once, in the order in which failures are looked for.

    ``failures`` is None, or the same, where a trail was deployed when it had one bucket for everything. What went into the
    history bucket by then stays there, so both are asked.
    """
    return tuple(dict.fromkeys((failures or history, history)))

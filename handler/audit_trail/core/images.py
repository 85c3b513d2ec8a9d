"""Digests of images."""

import hashlib

from audit_trail.core.values import Image, canonical_bytes, canonical_image


def digest(image: Image) -> bytes:
    """Return the SHA-256 of an image's canonical form: equal exactly when the images are.

    :raises MalformedValueError: it isn't a map of names to attribute values.
    """
    return canonical_digest(canonical_image(image))


def canonical_digest(image: Image) -> bytes:
    """Return the same for an image that is in canonical form already."""
    return hashlib.sha256(canonical_bytes(image)).digest()

"""Digests of images."""

import hashlib

from audit_trail.core.canonical import canonical_form
from audit_trail.core.values import Image, utf8


def digest(image: Image) -> bytes:
    """Return the SHA-256 of an image's canonical form: equal exactly when the images are.

    :raises MalformedValueError: it isn't a map of names to attribute values.
    """
    return text_digest(canonical_form(image).text)


def text_digest(text: str) -> bytes:
    """Return the same for an image whose canonical form is known as text."""
    return hashlib.sha256(utf8(text)).digest()

"""One item's history as an HTML page: a single file that asks nothing of any network.

What was stored by strangers goes through Jinja's escaping, and what can't be seen is spelled out, wherever it is
printed. The page's policy (https://www.w3.org/TR/CSP3/) allows its own style sheet and script by their digests, and
nothing else.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import groupby
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from audit_trail.aws.reading import Trail
from audit_trail.cli import page_changes, page_checks, page_values
from audit_trail.cli.layout import visible
from audit_trail.core import chain
from audit_trail.core.checks import Outcome
from audit_trail.core.history import Change
from audit_trail.core.values import Image

_STYLE, _SCRIPT = "report.css", "report.js"


class Page:
    """The page of one item's changes, which come newest first; ``made`` is when."""

    def __init__(self, trail: Trail, item_key: Image, changes: list[Change], made: datetime) -> None:
        self._trail = trail
        self._key = item_key
        self._changes = changes
        self._made = made
        self._findings = list(chain.check(reversed(changes), chain.Circumstances(now=made)))
        # A change keeps its number as the history grows: the oldest is 1.
        self._numbers = {change.timestamp: len(changes) - place for place, change in enumerate(changes)}

    @property
    def broken(self) -> int:
        """How many checks don't hold."""
        return sum(finding.outcome is Outcome.BROKEN for finding in self._findings)

    def chunks(self) -> Iterator[bytes]:
        """Yield the page's bytes, UTF-8."""
        environment = _environment()
        style, script = _text(environment, _STYLE), _text(environment, _SCRIPT)
        attributes = _Choices(name for change in self._changes for name in page_changes.attributes(change) or ())
        actors = _Choices(change.actor for change in self._changes if change.actor is not None)
        stream = environment.get_template("report.html.j2").stream(
            style=Markup(style),  # noqa: S704  our own file
            script=Markup(script),  # noqa: S704  our own file
            policy=_policy(style, script),
            trail=self._trail,
            key=[(name, page_values.whole(value)) for name, value in self._key.items()],
            made=self._made.astimezone(UTC),
            version=version("table-trail"),
            count=len(self._changes),
            newest=self._changes[0],
            oldest=self._changes[-1],
            streams=Counter(change.event_source_arn for change in self._changes if change.event_source_arn),
            broken=self.broken,
            unknown=sum(finding.outcome is Outcome.UNKNOWN for finding in self._findings),
            checks=page_checks.views(self._findings, self._numbers),
            operations=_Choices(change.event_name for change in self._changes),
            attributes=attributes,
            actors=actors,
            unnamed=sum(change.actor is None for change in self._changes),
            days=self._days(attributes, actors),
        )
        stream.enable_buffering()
        for chunk in stream:
            yield chunk.encode("utf-8")

    def _days(self, attributes: "_Choices", actors: "_Choices") -> Iterator[tuple[str, Iterator["_Entry"]]]:
        broken = page_checks.broken_by_timestamp(self._findings)
        for day, changes in groupby(self._changes, lambda change: change.time[:10]):
            yield day, (self._entry(change, attributes, actors, broken) for change in changes)

    def _entry(
        self, change: Change, attributes: "_Choices", actors: "_Choices", broken: dict[str, list[str]]
    ) -> "_Entry":
        names = page_changes.attributes(change)
        return _Entry(
            number=self._numbers[change.timestamp],
            change=page_changes.view(change, self._trail.actor_attribute),
            broken=broken.get(change.timestamp, []),
            attributes=None if names is None else " ".join(str(attributes.place[name]) for name in names),
            actor=None if change.actor is None else actors.place[change.actor],
        )


class _Entry(NamedTuple):
    """A change in the timeline; the script filters by numbers, so that no name can confuse it."""

    number: int
    change: page_changes.ChangeView
    broken: list[str]
    attributes: str | None
    actor: int | None


class _Choices:
    """What a filter offers, sorted, each with its number of changes; ``place`` is its number in the page."""

    def __init__(self, names: Iterable[str]) -> None:
        self.counts = sorted(Counter(names).items())
        self.place = {name: place for place, (name, _) in enumerate(self.counts)}


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("audit_trail.cli"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_spelled_out,
    )
    environment.filters["count"] = "{:,}".format
    environment.filters["one_line"] = visible
    environment.filters["between_tags"] = _between_tags
    return environment


def _spelled_out(value: Any) -> Any:
    # Markup is our own style sheet and script, and records, which are laid out without anything hidden.
    return visible(value, lines=True) if isinstance(value, str) and not isinstance(value, Markup) else value


def _between_tags(text: str) -> Markup:
    """Escape what isn't inside a tag, where quotes mean nothing: they make up a third of JSON otherwise."""
    return Markup(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))  # noqa: S704  escaped here


def _text(environment: Environment, name: str) -> str:
    loader: Any = environment.loader
    text: str = loader.get_source(environment, name)[0]
    return text


def _policy(style: str, script: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_source(style)}'",
            f"script-src '{_source(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _source(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"

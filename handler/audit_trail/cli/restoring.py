"""What ``trail restore`` does with one item; by itself, since `trail --help` needs nothing of what it imports."""

import json
import sys
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

from audit_trail.aws.source_items import DynamoDBItems
from audit_trail.batch.restoring import Became, put_back
from audit_trail.cli import key as keys
from audit_trail.cli import standing, words
from audit_trail.cli.compare import print_comparison, print_facts
from audit_trail.cli.context import Connection, Exit, UsageError, note, tell
from audit_trail.cli.screen import Screen, finish
from audit_trail.core.diff import Entry, diff
from audit_trail.core.restore import Marks, Plan, RestoreError, plan
from audit_trail.core.values import Image, canonical_image

if TYPE_CHECKING:
    from audit_trail.aws.reader import TrailReader
    from audit_trail.cli.options import OutputOptions
    from audit_trail.cli.restore import HowOptions
    from audit_trail.core.states import State


class Undone(StrEnum):
    """What else can become of an item."""

    UNCHANGED = "unchanged"
    """It stands as it did then."""
    WOULD_RESTORE = "would be restored"
    """It was a dry run."""
    DECLINED = "declined"
    NOT_RECORDED = "not recorded"
    REFUSED = "refused"
    """It can't be put back like this; the reason tells."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One item: how it stands, how it stood, and what would put it back."""

    keys: Image
    then: "State | None"
    now: Image | None
    plan: Plan | None
    became: Became | Undone = Undone.UNCHANGED
    reason: str = ""
    lost: Image | None = None

    @property
    def target(self) -> Image | None:
        """How it is going to stand."""
        return self.now if self.plan is None else self.plan.write.result

    @property
    def diff(self) -> list[Entry]:
        """What differs between now and then; nothing where it doesn't exist at one of them."""
        return diff(self.now, self.target) if self.now is not None and self.target is not None else []


class Wanted:
    """What is to be restored to: a moment, and how it is written.

    :raises UsageError: there is no attribute for the reason or the actor, or the time can't be read.
    """

    def __init__(
        self, reader: "TrailReader", connection: Connection, time: str, how: "HowOptions", output: "OutputOptions"
    ) -> None:
        self.reader, self.how, self.output = reader, how, output
        self.moment = standing.moment(time, output)
        texts: dict[str, str] = {}
        attributes = (
            ("reason", how.reason, reader.trail.reason_attribute),
            ("actor", how.actor, reader.trail.actor_attribute),
        )
        for name, text, attribute in attributes:
            if text is None:
                continue
            if attribute is None:
                raise UsageError(
                    f"the trail has no attribute for --{name}: name one with module audit_trail's input {name}_attribute"
                )
            texts[attribute] = text
        actor = reader.trail.actor_attribute
        self._unnamed = how.actor is None and actor is not None
        self._caller = connection.principal() if self._unnamed else None
        self._marks = Marks(
            texts,
            where_it_fits={} if actor is None or self._caller is None else {actor: self._caller},
            never_back=[attribute for _, _, attribute in attributes if attribute is not None],
        )
        self._items = DynamoDBItems(connection.dynamodb(), reader.trail.source_table)

    def check(self, *, asks: bool) -> None:
        """Refuse to write without having asked, and say beforehand what the history may lack.

        :raises UsageError: nobody can be asked.
        """
        if not (self.how.yes or self.how.dry_run or asks):
            raise UsageError("nobody can be asked here: give --yes, or --dry-run to see what it would do")
        standing.warn(self.moment, self.reader.trail, archived=self.reader.archive is not None)
        if self._unnamed and not self.how.dry_run:
            if self._caller is not None:
                note(f"Without --actor, the history will name {self._caller}.")
            else:
                note("AWS doesn't tell who you are, so the actor attribute stays as it stands: --actor names you.")

    def look(self, item_key: Image) -> Looked:
        """Find out how an item stands and stood.

        :raises RestoreError: it can't be put back like this.
        :raises TableTrailError: the record that tells can't be used.
        """
        then = standing.at(self.reader, item_key, self.moment)
        if then is None:
            return Looked(item_key, None, None, None, Undone.NOT_RECORDED)
        if then.inferred and then.image is None and not standing.whole(self.moment, self.reader):
            raise RestoreError(
                "records of that time have expired, so whether the item existed then is not known: it is not deleted"
            )
        image = None if then.image is None else canonical_image(then.image)
        now = self._items.get(item_key)
        made = plan(now, image, item_key, only=self.how.only or (), marks=self._marks)
        if made is not None and made.write.result is None and not self.how.allow_delete:
            reason = "it did not exist then, so it would be deleted: --allow-delete lets it"
            return Looked(item_key, then, now, made, Undone.REFUSED, reason)
        return Looked(item_key, then, now, made, Undone.WOULD_RESTORE if made else Undone.UNCHANGED)

    def write(self, looked: Looked) -> Looked:
        """Carry out the plan for an item."""
        if looked.plan is None or looked.became is Undone.REFUSED or self.how.dry_run:
            return looked
        done = put_back(self._items, looked.plan)
        return replace(looked, became=done.became, reason=self._why(looked, done.became, done.found), lost=done.lost)

    def _why(self, looked: Looked, became: Became, found: Image | None) -> str:
        if became is Became.RESTORED:
            return ""
        shown = looked.now if became is Became.CHANGED_MEANWHILE else looked.target
        names = sorted(
            words.printable(name)
            for name in {*(shown or {}), *(found or {})}
            if (shown or {}).get(name) != (found or {}).get(name)
        )
        what = "it is gone" if found is None else f"these have changed: {', '.join(names)}"
        if shown is None and found is not None:
            what = "it is there again"
        return what if names or found is None else "it was changed, and changed back"


def run(wanted: Wanted, key: list[str]) -> None:
    """Restore one item; `audit_trail.cli.restore` has the promise."""
    # Who asks for JSON is shown nothing to agree to.
    wanted.check(asks=_somebody_is_there() and not wanted.output.as_json)
    trail = wanted.reader.trail
    looked = wanted.look(keys.parse(key, trail))
    if looked.then is None:
        finish(wanted.reader, 0, f"{trail.source_table} has no changes of this key in {trail.audit_table}.")
    if not wanted.output.as_json:
        _show(looked, wanted)
    if looked.plan is not None and looked.became is not Undone.REFUSED:
        if not (wanted.how.yes or wanted.how.dry_run) and not _agreed(looked, trail.source_table):
            looked = replace(looked, became=Undone.DECLINED)
        else:
            looked = wanted.write(looked)
    if wanted.output.as_json:
        typer.echo(line(looked, wanted, typed=wanted.output.typed))
    _conclude(looked)


def _somebody_is_there() -> bool:
    return sys.stdin.isatty()


def _agreed(looked: Looked, table: str) -> bool:
    question = "Delete this item from" if looked.target is None else "Write this to"
    return typer.confirm(f"{question} {table}?", err=True)


def _show(looked: Looked, wanted: Wanted) -> None:
    if looked.then is None:
        return
    console = Screen(wanted.reader.trail, wanted.output).console
    now = "it does not exist" if looked.now is None else "as it stands in the table"
    then = standing.in_words(wanted.moment.text, looked.then, wanted.output)
    print_facts(console, [("NOW", now), ("THEN", then)])
    if looked.plan is not None:
        console.print()
        print_comparison(console, looked.now, looked.target, looked.diff, ("NOW", "THEN"))


_SENTENCES = {
    Undone.UNCHANGED: "Nothing differs: it stands as it did then.",
    Undone.WOULD_RESTORE: "Nothing was written.",
    Undone.DECLINED: "Nothing was written.",
    Became.RESTORED: "Restored.",
}


def _conclude(looked: Looked) -> None:
    if looked.became in _SENTENCES:
        note(_SENTENCES[looked.became])
    elif looked.became is Undone.REFUSED:
        tell(looked.reason)
        raise typer.Exit(Exit.USAGE)
    elif looked.became is Became.CHANGED_MEANWHILE:
        tell(f"somebody else was faster, and nothing was restored: {looked.reason}; look again, and run it again")
    else:
        tell(f"it was restored as shown, but somebody else wrote at the same time: {looked.reason}")
    if looked.lost is not None:
        tell(
            f"what was deleted was not as shown, and another item is there now: {words.image_json(looked.lost, typed=True)}"
        )
    if looked.became in (Undone.DECLINED, Became.CHANGED_MEANWHILE, Became.DIFFERS):
        raise typer.Exit(Exit.NOT_ALL_DONE)


def line(looked: Looked, wanted: Wanted, *, typed: bool) -> str:
    """Write what became of an item as a line of JSON (docs/schemas/restored.schema.json)."""
    fields: dict[str, object] = {"at": wanted.moment.text, "became": looked.became}
    if looked.then is not None:
        fields |= {"inferred": looked.then.inferred, "existed": looked.then.image is not None}
    if looked.reason:
        fields["reason"] = looked.reason
    parts = [f'"keys": {words.image_json(looked.keys, typed=typed)}', json.dumps(fields)[1:-1]]
    if looked.plan is not None:
        parts.append(f'"diff": {words.diff_json(looked.diff, typed=typed)}')
    if looked.lost is not None:
        parts.append(f'"lost": {words.image_json(looked.lost, typed=typed)}')
    return "{" + ", ".join(parts) + "}"

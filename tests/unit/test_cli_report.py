"""`trail report`: the file that it writes, and when it writes none."""

from __future__ import annotations

import hashlib
import stat
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from audit_trail.cli import page
from audit_trail.cli.main import app
from audit_trail.core.records import audit_item
from audit_trail.core.spill import Form, pack
from tests.builders import NOON
from tests.html_document import parse
from tests.report_pages import NEW, PAID, RECORDS
from tests.unit.fake_endpoint import fake_endpoint, refusal
from tests.unit.fakes import numbered_record
from tests.unit.moto_trail import AUDIT_TABLE, SOURCE_TABLE, MotoTrail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

NOTHING_FOUND, USAGE, AWS_REFUSED = 1, 2, 3


pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def trail() -> MotoTrail:
    """Give a trail with three changes of order 123, and one of another."""
    made = MotoTrail()
    made.add(*RECORDS, numbered_record(9, new=NEW | {"order_id": {"N": "124"}}))
    return made


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Give a file to write, in a folder of its own."""
    (tmp_path / "pages").mkdir()
    return tmp_path / "pages" / "order 123.html"


def report(*words: str, output: object) -> Result:
    """Run `trail report`."""
    arguments = ["report", *words, "-o", str(output), "--audit-table", AUDIT_TABLE]
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def sentence(result: Result) -> str:
    """Return the one sentence of a failure."""
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("trail: ")
    return line.removeprefix("trail: ")


def test_one_items_changes_are_written(trail: MotoTrail, target: Path) -> None:
    """The page has all changes of the one item, and stderr the file's size and SHA-256; stdout has nothing."""
    result = report("123", output=target)

    written = target.read_bytes()
    assert (result.exit_code, result.stdout) == (0, "")
    digest = hashlib.sha256(written).hexdigest()
    assert result.stderr == f"{target}: 3 change(s), {len(written):,} bytes, SHA-256 {digest}\n"
    root = parse(written.decode("utf-8"))
    assert [one.attributes["id"] for one in root.all("article")] == ["change-3", "change-2", "change-1"]
    assert root.one("h1").words == "order_id 123"
    assert root.one("title").words == f"History of 123 in {SOURCE_TABLE}"
    assert root.one("dl", class_="facts").one("a").words == "✓ all holds"


def test_a_composite_key(target: Path) -> None:
    """A composite key is two words, and the page names both parts."""
    made = MotoTrail({"customer": "S", "order": "N"})
    key = {"customer": {"S": "a#b"}, "order": {"N": "7"}}
    made.add(numbered_record(1, new=key, keys=key))

    assert report("a#b", "7", output=target).exit_code == 0
    assert parse(target.read_text("utf-8")).one("h1").words == "customer a#b order 7"


def test_the_page_is_for_its_maker_alone(trail: MotoTrail, target: Path) -> None:
    """Nobody else may read the file: it holds what the item held. Nothing else is left in its folder."""
    report("123", output=target)

    assert target.stat().st_mode & 0o777 == 0o600
    assert list(target.parent.iterdir()) == [target]


def test_a_dash_is_stdout(trail: MotoTrail) -> None:
    """`-o -` writes the page's bytes to stdout, and what is said about it to stderr."""
    result = report("123", output="-")

    assert result.exit_code == 0
    assert result.stderr.startswith("-: 3 change(s)")
    assert len(parse(result.stdout_bytes.decode("utf-8")).all("article")) == 3


def test_nothing_found_writes_nothing(trail: MotoTrail, target: Path) -> None:
    """A key without changes exits with 1 and leaves no file."""
    result = report("999", output=target)

    assert (result.exit_code, result.stdout) == (NOTHING_FOUND, "")
    assert result.stderr == f"{SOURCE_TABLE} has no changes of this key in {AUDIT_TABLE}.\n"
    assert list(target.parent.iterdir()) == []


def test_a_file_that_is_there_stays(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is there is refused before AWS is asked, and stays as it is; --force replaces it."""
    target.write_text("kept", encoding="ascii")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")

    result = report("123", output=target)

    assert (result.exit_code, sentence(result)) == (USAGE, f"{target} is there already: --force replaces it")
    assert target.read_text("ascii") == "kept"


def test_force_replaces_a_file(trail: MotoTrail, target: Path) -> None:
    """With --force, a file that is there gives way to the page."""
    target.write_text("gone", encoding="ascii")

    assert report("123", "--force", output=target).exit_code == 0
    assert len(parse(target.read_text("utf-8")).all("article")) == 3


def test_the_page_is_its_owners_alone(trail: MotoTrail, target: Path) -> None:
    """The page, which holds items, can be read by its owner alone."""
    assert report("123", output=target).exit_code == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_link_that_leads_nowhere_is_there_too(target: Path) -> None:
    """A symbolic link to nothing counts as there."""
    target.symlink_to("nowhere")

    assert report("123", output=target).exit_code == USAGE
    assert target.is_symlink()


def test_a_file_that_comes_meanwhile_stays(trail: MotoTrail, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that somebody else makes while the page is written is not replaced."""

    def chunks(_: page.Page) -> Iterator[bytes]:
        target.write_text("somebody else's", encoding="ascii")
        yield b"page"

    monkeypatch.setattr(page.Page, "chunks", chunks)

    result = report("123", output=target)

    assert (result.exit_code, sentence(result)) == (USAGE, f"{target} is there already: --force replaces it")
    assert target.read_text("ascii") == "somebody else's"
    assert list(target.parent.iterdir()) == [target]


def test_no_half_page_is_left(trail: MotoTrail, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When writing ends half-way, the folder is as it was: the old page, and no piece of the new one."""
    target.write_text("old", encoding="ascii")

    def chunks(_: page.Page) -> Iterator[bytes]:
        yield b"half a page"
        raise KeyboardInterrupt

    monkeypatch.setattr(page.Page, "chunks", chunks)

    arguments = ["report", "123", "-o", str(target), "--force", "--audit-table", AUDIT_TABLE]
    assert CliRunner().invoke(app, arguments).exit_code != 0
    assert target.read_text("ascii") == "old"
    assert list(target.parent.iterdir()) == [target]


def test_where_no_file_can_be(trail: MotoTrail, target: Path) -> None:
    """A folder, a folder that is missing, and a name that the file system refuses are said in a sentence."""
    said = [
        (target.parent, f"{target.parent} is a folder: name a file"),
        (target.parent / "no" / "page.html", f"there is no folder {target.parent / 'no'}"),
        (target.parent / ("x" * 300), f"{target.parent / ('x' * 300)} can't be written: File name too long"),
    ]
    for output, words in said:
        result = report("123", output=output)
        assert (result.exit_code, sentence(result)) == (USAGE, words)
    assert list(target.parent.iterdir()) == []


def test_images_that_cannot_be_read_are_told(trail: MotoTrail, target: Path) -> None:
    """Where images are gone from the bucket, the page is written, says of which change, and the exit code is 3."""
    record = numbered_record(2, old=NEW, new=PAID, at=NOON + 61)
    trail.put(pack(audit_item(record, trail.settings), "trail-bucket", Form.S3).item)

    result = report("123", output=target)

    assert result.exit_code == AWS_REFUSED
    assert "the images of 1 change(s) can't be read" in result.stderr
    assert "images can't be read" in parse(target.read_text("utf-8")).one("article", id="change-2").words


def test_images_that_lie_apart_are_shown(trail: MotoTrail, target: Path) -> None:
    """A record whose images were stored as gzip is shown like any other."""
    record = numbered_record(2, old=NEW, new=PAID, at=NOON + 61)
    report("123", output=target)
    plain = parse(target.read_text("utf-8")).one("article", id="change-2")
    trail.put(pack(audit_item(record, trail.settings), "bucket", Form.GZIP).item)

    report("123", "--force", output=target)

    assert parse(target.read_text("utf-8")).one("article", id="change-2") == plain


def test_what_does_not_hold_is_told(trail: MotoTrail, target: Path) -> None:
    """A history with a broken chain is written all the same, and stderr says that something doesn't hold."""
    key = {"order_id": {"N": "123"}, "timestamp": audit_item(RECORDS[1], trail.settings)["timestamp"]}
    trail.client.delete_item(TableName=AUDIT_TABLE, Key=key)

    result = report("123", output=target)

    assert result.exit_code == 0
    assert "trail: 1 check(s) do not hold" in result.stderr
    assert parse(target.read_text("utf-8")).one("dl", class_="facts").one("a").words == "✗ 1 check does not hold"


def test_what_aws_refuses_writes_nothing(target: Path) -> None:
    """A refusal of AWS's is one sentence and exit code 3, and leaves no file."""
    with fake_endpoint() as endpoint:
        endpoint.respond = lambda _: refusal("AccessDeniedException")

        result = report("123", "--endpoint-url", endpoint.url, output=target)

    assert (result.exit_code, "may not do DescribeTable" in sentence(result)) == (AWS_REFUSED, True)
    assert list(target.parent.iterdir()) == []


def test_help_shows_an_example() -> None:
    """--help tells what the exit codes mean, and gives an example."""
    result = CliRunner().invoke(app, ["report", "--help"])

    assert result.exit_code == 0
    assert "trail report 123 -o order-123.html" in result.stdout
    assert "Exits with 0 when it is written" in result.stdout

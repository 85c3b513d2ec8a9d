"""How an item is put back: which write, on which condition, and what is refused beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from audit_trail.core.restore import LONGEST_EXPRESSION, MOST_OPERATORS, Marks, RestoreError, plan, request, undo
from tests.unit.fakes import order

if TYPE_CHECKING:
    from audit_trail.core.restore import Write
    from audit_trail.core.values import Image

KEYS: Image = {"order_id": {"N": "123"}}
NEW, PAID = order(status="NEW", total={"N": "1"}), order(status="PAID", total={"N": "1"}, paid="yes")


def only_write(now: Image | None, then: Image | None, **more: Any) -> Write:
    """Return the write of a plan that has one."""
    made = plan(now, then, KEYS, **more)
    assert made is not None
    assert not made.marks
    return made.write


def many(count: int, text: str) -> Image:
    """Return an item with so many attributes beside its key."""
    return order() | {f"a{number}": {"S": text} for number in range(count)}


def test_only_what_differs_is_written_and_expected() -> None:
    """An item that is there is updated: each attribute that differs, on condition of its shown value or absence."""
    assert request(only_write(NEW, PAID)) == {
        "ConditionExpression": "#e0 = :e0 AND attribute_not_exists(#e1) AND #e2 = :e2",
        "UpdateExpression": "SET #e1 = :n0, #e2 = :n1",
        "ExpressionAttributeNames": {"#e0": "order_id", "#e1": "paid", "#e2": "status"},
        "ExpressionAttributeValues": {
            ":e0": {"N": "123"},
            ":e2": {"S": "NEW"},
            ":n0": {"S": "yes"},
            ":n1": {"S": "PAID"},
        },
    }


def test_what_was_added_since_is_taken_away() -> None:
    """An attribute that the item has now and didn't have then is removed, on condition of its shown value."""
    parameters = request(only_write(order(status="NEW", paid="yes"), order(status="NEW")))
    assert parameters["UpdateExpression"] == "REMOVE #e1"
    assert parameters["ConditionExpression"] == "#e0 = :e0 AND #e1 = :e1"
    assert parameters["ExpressionAttributeNames"]["#e1"] == "paid"


def test_a_deleted_item_is_put_where_there_is_none() -> None:
    """An item that doesn't exist is put whole, on condition that there is still none."""
    write = only_write(None, PAID)
    assert (write.shown, write.result) == (None, PAID)
    assert request(write) == {
        "ConditionExpression": "attribute_not_exists(#e0)",
        "ExpressionAttributeNames": {"#e0": "order_id"},
    }


def test_an_item_that_did_not_exist_is_deleted_as_shown() -> None:
    """An item that didn't exist then is deleted, on condition of every attribute that it was shown with."""
    parameters = request(only_write(PAID, None))
    assert parameters["ConditionExpression"] == " AND ".join(f"#e{n} = :e{n}" for n in range(4))
    assert set(parameters["ExpressionAttributeNames"].values()) == PAID.keys()
    assert "UpdateExpression" not in parameters


@pytest.mark.parametrize("image", [NEW, None])
def test_what_stands_as_it_did_is_left_alone(image: Image | None) -> None:
    """Where nothing differs there is nothing to write, and a reason alone doesn't make it so."""
    assert plan(image, image, KEYS, marks=Marks({"why": "because"})) is None
    assert image is None or plan(image | {"why": {"S": "old"}}, image, KEYS, marks=Marks({"why": "because"})) is None


def test_a_part_of_an_item() -> None:
    """--only puts back the named attributes and leaves the rest."""
    write = only_write(PAID, NEW, only=["paid"])
    assert write.result == order(status="PAID", total={"N": "1"})
    assert plan(PAID, NEW, KEYS, only=["total", "nowhere"]) is None


@pytest.mark.parametrize(
    ("now", "then", "only", "said"),
    [
        (None, NEW, "status", "does not exist now"),
        (NEW, None, "status", "does not exist then"),
        (NEW, PAID, "order_id", "a key never changes"),
    ],
)
def test_a_part_that_cannot_be_put_back(now: Image | None, then: Image | None, only: str, said: str) -> None:
    """A part of an item that doesn't exist at either side, and a key, are refused."""
    with pytest.raises(RestoreError, match=said):
        plan(now, then, KEYS, only=[only])


def test_the_reason_is_written_beside() -> None:
    """A reason and an actor go into their attributes, named or pointed to, with --only too."""
    now, then = order(status="NEW", meta={"M": {}}), order(status="PAID", meta={"M": {"by": {"S": "x"}}})
    write = only_write(now, then, marks=Marks({"why": "mistake", "/meta/by": "mia"}), only=["status"])
    assert write.result == order(status="PAID", why="mistake", meta={"M": {"by": {"S": "mia"}}})


def test_a_deletion_is_explained_beforehand() -> None:
    """What is to be deleted is given the reason in a write of its own, and expected whole by both."""
    made = plan(PAID, None, KEYS, marks=Marks({"why": "mistake"}))
    assert made is not None
    [mark] = made.marks
    assert mark.expected == PAID | {"why": None}
    assert mark.result == made.write.expected == PAID | {"why": {"S": "mistake"}}
    back = undo(made.marks, PAID | {"why": {"S": "mistake"}, "other": {"S": "x"}})
    assert back is not None
    assert back.result == PAID | {"other": {"S": "x"}}
    assert undo(made.marks, PAID | {"why": {"S": "somebody else's"}}) is None


BY = Marks(where_it_fits={"by": "arn"}, never_back=("by", "why"))


@pytest.mark.parametrize(
    ("now", "marks", "left"),
    [
        (order(status="PAID", by="bob", why="late"), BY, {"by": {"S": "arn"}, "why": {"S": "late"}}),
        (order(status="PAID"), BY, {"by": {"S": "arn"}}),
        (
            order(status="PAID", by="bob", why="late"),
            Marks(never_back=("by", "why")),
            {"by": {"S": "bob"}, "why": {"S": "late"}},
        ),
        (order(status="PAID"), Marks(never_back=("by", "why")), {}),
        (None, BY, {"by": {"S": "arn"}}),
        (None, Marks({"why": "mistake"}, never_back=("by", "why")), {"why": {"S": "mistake"}}),
    ],
    ids=["named", "named anew", "as it stands", "as it stands, absent", "put back", "put back unnamed"],
)
def test_an_old_name_and_an_old_reason_never_come_back(now: Image | None, marks: Marks, left: Image) -> None:
    """Who wrote then, and why, is not put back: what is written now goes there, or it stays as it stands."""
    then = order(status="NEW", by="mia", why="first")
    made = plan(now, then, KEYS, marks=marks)
    assert made is not None
    assert made.write.result == order(status="NEW") | left
    assert plan(made.write.result, then, KEYS, marks=marks) is None


def test_old_names_in_the_depth_never_come_back() -> None:
    """The same for attributes that a pointer leads to, through maps and lists."""
    marks = Marks(where_it_fits={"/meta/by": "arn"}, never_back=("/meta/by", "/steps/0"))
    then: Image = order(status="NEW", meta={"M": {"by": {"S": "mia"}}}, steps={"L": [{"S": "first"}]})
    written = only_write(order(status="PAID", meta={"M": {}}, steps={"L": [{"S": "late"}]}), then, marks=marks).result
    assert written == order(status="NEW", meta={"M": {"by": {"S": "arn"}}}, steps={"L": [{"S": "late"}]})
    anew = only_write(None, then, marks=marks).result
    assert anew == order(status="NEW", meta={"M": {"by": {"S": "arn"}}}, steps={"L": [{"NULL": True}]})


@pytest.mark.parametrize(
    ("now", "attribute", "text"),
    [(NEW, "/meta/by", "arn"), (NEW, "order_id", "arn"), (NEW, "by", "x" * 2_001), (many(149, "a"), "by", "arn")],
    ids=["no map", "a key", "too long", "too many attributes"],
)
def test_a_caller_who_finds_no_place_is_left_out(now: Image, attribute: str, text: str) -> None:
    """Who is calling is written where there is a place for it, and stops no restore where there is none."""
    then = many(149, "b") if "a1" in now else PAID
    assert only_write(now, then, marks=Marks(where_it_fits={attribute: text})).result == then


def test_the_same_text_is_seen_to_be_written_again() -> None:
    """A text that stands there already is another one in between, so that the stream shows it as written."""
    now, then = order(status="PAID", by="ops", why="mistake"), order(status="NEW")
    marks = Marks({"by": "ops", "why": "again"}, never_back=("by", "why"))
    made = plan(now, then, KEYS, marks=marks)
    assert made is not None
    [mark] = made.marks
    assert mark.result == now | {"by": {"S": "ops (about to restore)"}}
    assert mark.expected == {"order_id": {"N": "123"}} | {name: now[name] for name in ("by", "status", "why")}
    assert made.write.shown == mark.result
    assert made.write.result == order(status="NEW", by="ops", why="again")
    back = undo(made.marks, mark.result | {"other": {"S": "x"}})
    assert back is not None
    assert back.result == now | {"other": {"S": "x"}}


def test_a_deletion_by_the_same_actor_is_explained_all_the_same() -> None:
    """What is to be deleted by whoever wrote last is given that name again, written."""
    now = order(status="PAID", by="ops")
    made = plan(now, None, KEYS, marks=Marks({"by": "ops"}))
    assert made is not None
    assert [mark.result for mark in made.marks] == [now | {"by": {"S": "ops (about to restore)"}}, now]
    assert [mark.expected for mark in made.marks] == [now, now | {"by": {"S": "ops (about to restore)"}}]
    assert made.write.expected == now


@pytest.mark.parametrize(
    ("only", "said"),
    [("lines[0].qty", "write --only lines"), ("/lines/0", "write --only lines"), ("by", "never put back")],
)
def test_parts_that_only_does_not_take(only: str, said: str) -> None:
    """--only takes whole attributes, and not who wrote or why: what it would leave alone unsaid is refused."""
    lines: Image = {"lines": {"L": [{"M": {"qty": {"N": "1"}}}]}}
    with pytest.raises(RestoreError, match=said):
        plan(NEW | lines, NEW | lines, KEYS, only=[only], marks=Marks(never_back=("by",)))


@pytest.mark.parametrize("attribute", ["order_id", "/meta/by", "/status/by"])
def test_a_reason_without_a_place_is_refused(attribute: str) -> None:
    """A reason that would have to go into a key, or into a map that isn't there, is refused before anything is written."""
    for then in (PAID, None):
        with pytest.raises(RestoreError, match=r"key attribute|no map"):
            plan(NEW, then, KEYS, marks=Marks({attribute: "mia"}))


@pytest.mark.parametrize("text", ["", "é" * 1_001])
def test_a_reason_that_the_record_would_not_have_is_refused(text: str) -> None:
    """A text that the function doesn't lift into the record is refused."""
    with pytest.raises(RestoreError, match="1 to 2,000 bytes"):
        plan(NEW, PAID, KEYS, marks=Marks({"why": text}))


def test_as_much_as_an_expression_holds() -> None:
    """149 attributes that differ are written at once; one more is refused, and --only is named as the way."""
    parameters = request(only_write(many(149, "a"), many(149, "b")))
    condition = parameters["ConditionExpression"]
    assert condition.count(" = ") + condition.count(" AND ") <= MOST_OPERATORS
    assert max(len(condition), len(parameters["UpdateExpression"])) <= LONGEST_EXPRESSION
    with pytest.raises(RestoreError, match="in parts, with --only"):
        plan(many(150, "a"), many(150, "b"), KEYS)
    with pytest.raises(RestoreError, match="can't be deleted on condition"):
        plan(many(150, "a"), None, KEYS)
    assert plan(None, many(150, "a"), KEYS) is not None

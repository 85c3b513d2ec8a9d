"""The archive's filters and its table for Athena, as Terraform would make them, against what the function writes."""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import sqlglot

from audit_trail.core import archive
from scripts.project import ROOT
from tests.builders import TTL_IDENTITY, stream_record
from tests.event_source_mapping.filtering import matches
from tests.expiry import audit_record, by_hand, deletion
from tests.unit.fakes import numbered_record, order

if TYPE_CHECKING:
    from pathlib import Path

    from tests.terraform.conftest import Outcome

RUN = "archive.tftest.hcl/on"
EVERYTHING = "archive.tftest.hcl/everything"
ITEM = audit_record(numbered_record(1))
EXPIRED = deletion(ITEM, 9)
KINDS: dict[str, tuple[Any, set[str]]] = {
    "a new record": (by_hand("INSERT", ITEM, 1), set()),
    "a new record with the identity of TTL": (deletion(ITEM, 1, eventName="INSERT"), set()),
    "expiry": (EXPIRED, {"archive", "tampering"}),
    "a deletion by hand": (by_hand("REMOVE", ITEM, 2), {"tampering"}),
    "a change by hand": (by_hand("MODIFY", ITEM, 3), {"tampering"}),
    "a change with the identity of TTL": (deletion(ITEM, 4, eventName="MODIFY"), {"tampering"}),
    "a deletion by another service": (
        deletion(ITEM, 5, userIdentity={"type": "Service", "principalId": "x.amazonaws.com"}),
        {"tampering"},
    ),
    "a deletion by a user of that name": (
        deletion(ITEM, 5, userIdentity=TTL_IDENTITY | {"type": "IAMUser"}),
        {"tampering"},
    ),
    "a deletion of an item that says it was TTL": (
        stream_record("REMOVE", old={"userIdentity": {"M": {"principalId": {"S": "dynamodb.amazonaws.com"}}}}),
        {"tampering"},
    ),
}
"""Records of the audit table's stream, and which of the two mappings is for them."""


def patterns(outcome: Outcome, mapping: str) -> list[dict[str, Any]]:
    """Return a mapping's filter patterns as planned."""
    [made] = [one for one in outcome.plans[RUN] if one["address"] == f"aws_lambda_event_source_mapping.{mapping}[0]"]
    return [json.loads(one["pattern"]) for one in made["filter_criteria"][0]["filter"]]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_of_record_reaches_whom_it_is_for(outcome: Outcome, kind: str) -> None:
    """Expiry alone reaches the archive, every change and deletion reaches who judges it, and new records reach nobody."""
    record, expected = KINDS[kind]
    reached = {
        mapping
        for mapping in ("archive", "tampering")
        if any(matches(pattern, record) for pattern in patterns(outcome, mapping))
    }
    assert reached == expected
    assert archive.expired(record) is ("archive" in expected), "the function itself agrees with its filter"


def test_glues_columns_are_those_of_a_line(outcome: Outcome) -> None:
    """The table's columns are the fields that a line may have, each of the type that it has there, and its partition the day."""
    [table] = outcome.planned(EVERYTHING, "aws_glue_catalog_table")
    columns = {one["name"]: one["type"] for one in table["storage_descriptor"][0]["columns"]}
    assert set(columns) == set(archive.COLUMNS)
    old, new = order(1, updated_by="mia", why="x"), order(1, updated_by="mia", why="x", n="2")
    item = audit_record(numbered_record(1, old=old, new=new)) | {"actor": {"S": "mia"}, "reason": {"S": "x"}}
    fields = json.loads(archive.line(deletion(item, 9)).text)
    assert {name: "array<string>" if isinstance(value, list) else "string" for name, value in fields.items()} == columns
    assert table["parameters"]["storage.location.template"].endswith(f"/{archive.prefix('${dt}')}")


def test_athenas_query_runs_on_real_objects(outcome: Outcome, tmp_path: Path) -> None:
    """The named query parses as Athena's SQL and, translated for DuckDB, gives each record of its day once, in order.

    A record whose copies differ it leaves out, and the query of docs/archive.md names it.
    """
    [named] = outcome.planned(EVERYTHING, "aws_athena_named_query")
    records = [audit_record(numbered_record(number, new=order(number, note="é"))) for number in range(20)]
    lines = [archive.line(deletion(record, 100 + number)) for number, record in enumerate(records)]
    random.Random(1).shuffle(lines)
    forged = archive.line(deletion(records[0] | {"actor": {"S": "eve"}}, 90))
    for batch in (lines[:15], lines[10:], [forged]):
        key, body = archive.object_of(batch)
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(body)
    [statement] = sqlglot.parse(named["query"], dialect="athena")
    assert statement is not None
    columns = {name: "VARCHAR[]" if name == "changed_attributes" else "VARCHAR" for name in archive.COLUMNS}
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE VIEW archive AS SELECT * FROM read_json('{tmp_path}/archive/*/*.jsonl.gz', format='newline_delimited', "  # noqa: S608
            f"hive_partitioning=true, hive_types_autocast=false, columns={columns})"
        )
        rows = connection.execute(statement.sql(dialect="duckdb")).fetchall()
        page = (ROOT / "docs" / "archive.md").read_text("utf-8")
        [differing] = [one for one in re.findall(r"```sql\n(.*?)```", page, re.DOTALL) if one.startswith("SELECT")]
        [query] = sqlglot.parse(differing.replace('"$path"', "dt"), dialect="athena")
        assert query is not None
        differ = connection.execute(query.sql(dialect="duckdb")).fetchall()
    assert [row[0] for row in rows] == [record["timestamp"]["S"] for record in records[1:]]
    assert [json.loads(row[-1]) for row in rows] == [record["new_image"]["M"] for record in records[1:]]
    assert [row[:3] for row in differ] == [("0", records[0]["timestamp"]["S"], 2)]


def test_the_statement_for_elsewhere_makes_the_same_table(outcome: Outcome) -> None:
    """The CREATE TABLE of docs/archive.md parses as Athena's DDL, and has Glue's columns, partition, SerDe and properties."""
    page = (ROOT / "docs" / "archive.md").read_text("utf-8")
    [text] = re.findall(r"```sql\n(CREATE .*?)```", page, re.DOTALL)
    parsed = sqlglot.parse_one(text, dialect="athena")
    [table] = outcome.planned(EVERYTHING, "aws_glue_catalog_table")
    storage = table["storage_descriptor"][0]
    assert isinstance(parsed, sqlglot.exp.Create)
    columns = {one.name: one.args["kind"].sql(dialect="hive").lower() for one in parsed.this.expressions}
    assert columns == {one["name"]: one["type"] for one in storage["columns"]}
    assert re.findall(r"PARTITIONED BY \((\w+) (\w+)\)", text) == [
        (one["name"], one["type"]) for one in table["partition_keys"]
    ]
    assert f"SERDE '{storage['ser_de_info'][0]['serialization_library']}'" in text
    bucket = storage["location"].split("/")[2]
    said = dict(re.findall(r"'([\w.]+)' = '(.*?)'", text.replace("BUCKET", bucket)))
    assert said | {"EXTERNAL": "TRUE"} == table["parameters"]

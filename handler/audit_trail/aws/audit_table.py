"""The audit table, as a place to add records to: PartiQL INSERT, and nothing else.

``INSERT`` is refused for a key that exists, so that no record is ever overwritten
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html), and its permission,
``dynamodb:PartiQLInsert``, allows nothing but that.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from audit_trail.core.records import AuditItem
from audit_trail.core.values import Image, utf8
from audit_trail.ports import Outcome, RequestFailedError, RequestRefusedError, Verdict

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import BatchStatementErrorTypeDef

CLIENT_CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    # Retrying is ours: only we know the invocation's deadline.
    retries={"total_max_attempts": 1, "mode": "standard"},
    # The body is ready-made, and validating it took two thirds of a request's time.
    parameter_validation=False,
    tcp_keepalive=True,
    # botocore's own is put together anew for each request, which takes a sixth of its time.
    user_agent=f"table-trail botocore/{botocore.__version__}",
)
"""What the function's client must be made with."""

_BAD_REQUEST = 400
_TOO_LARGE = 413
_REFUSED = frozenset({"ValidationException", "SerializationException", "RequestEntityTooLarge", "413"})
_OUTAGES = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InternalServerError",
        "InvalidSignatureException",
        "LimitExceededException",
        "MissingAuthenticationTokenException",
        "ProvisionedThroughputExceededException",
        "RequestExpired",
        "RequestLimitExceeded",
        "ResourceNotFoundException",
        "ThrottlingException",
        "UnrecognizedClientException",
    },
)
"""Codes that come with status 400 although no statement is to blame."""

_VERDICTS = {"DuplicateItem": Verdict.DUPLICATE, "ValidationError": Verdict.REFUSED}

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class PartiqlAuditTable:
    """Inserts items through BatchExecuteStatement; not for use by several threads at once.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
    """

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table_name = table_name
        self._body = b""
        client.meta.events.register("before-call.dynamodb.BatchExecuteStatement", self._set_body)

    def _set_body(self, params: dict[str, Any], **_: Any) -> None:
        params["body"] = self._body

    def encode(self, item: Image) -> bytes:
        """Return one statement of the request's body, with its parameters, as JSON."""
        texts = item.texts if isinstance(item, AuditItem) else {}
        rest = {name: value for name, value in item.items() if name not in texts}
        statement = _statement(self._table_name, (*rest, *texts))
        images = "".join([f',{{"M":{text}}}' for text in texts.values()])
        return utf8(f'{{"Statement":{statement},"Parameters":{_encode(list(rest.values()))[:-1]}{images}]}}')

    def insert(self, inserts: Sequence[bytes]) -> Sequence[Outcome]:
        """Send one request; see `audit_trail.ports.AuditTable`."""
        self._body = b'{"Statements":[%b]}' % b",".join(inserts)
        try:
            answer = self._client.batch_execute_statement(Statements=[])
        except ClientError as error:
            raise _failure(error) from None
        except BotoCoreError as error:
            raise RequestFailedError(type(error).__name__) from None
        outcomes = [_outcome(one.get("Error")) for one in answer.get("Responses", [])]
        if len(outcomes) != len(inserts):
            raise RequestFailedError("IncompleteAnswer")
        return outcomes


@lru_cache(maxsize=256)
def _statement(table_name: str, names: tuple[str, ...]) -> str:
    quoted = (name.replace("'", "''") for name in names)
    values = ",".join(f"'{name}':?" for name in quoted)
    return _encode(f'INSERT INTO "{table_name}" VALUE {{{values}}}')


def _outcome(error: "BatchStatementErrorTypeDef | None") -> Outcome:
    if error is None:
        return Outcome(Verdict.STORED)
    code = error.get("Code") or "Unknown"  # AWS doesn't promise one
    return Outcome(_VERDICTS.get(code, Verdict.RETRY), code)


def _failure(error: ClientError) -> RequestFailedError:
    code = error.response.get("Error", {}).get("Code", "Unknown")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status in (_BAD_REQUEST, _TOO_LARGE) and code not in _OUTAGES:
        return RequestRefusedError(code, for_good=status == _TOO_LARGE or code in _REFUSED)
    return RequestFailedError(code)

"""AWS's answers, given to real clients inside botocore: what is asked and answered is checked by AWS's own models."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
from botocore.loaders import create_loader
from botocore.session import get_session
from botocore.validate import validate_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest
    from botocore.model import OperationModel

_Session = boto3.Session
_LOADER = create_loader()  # one for all tests: each would read AWS's models anew


class RefusedError(Exception):
    """How AWS refuses: the code."""


@dataclass
class FakeAws:
    """Answers each operation by its name; an answer may be made from the parameters, and a `RefusedError` is raised.

    What isn't named is refused as access is.
    """

    answers: dict[str, Any]
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Service and operation, `lambda:GetFunctionConfiguration`, and the parameters of all that was asked."""
    _asking: threading.local = field(default_factory=threading.local)

    def stand_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have every new session talk to this."""
        monkeypatch.setattr(boto3, "Session", lambda **_: self.session())

    def session(self) -> boto3.Session:
        """Make a session that talks to this."""
        core = get_session()
        core.register_component("data_loader", _LOADER)
        session = _Session("test", "test", region_name="eu-central-1", botocore_session=core)
        session.events.register("provide-client-params", self._remember)
        answer: Any = self._answer  # its answer is used, whatever the type hints say
        session.events.register("before-call", answer)
        return session

    def client(self, service: Any) -> Any:
        """Make a client that talks to this."""
        return self.session().client(service)

    def operations(self) -> set[str]:
        """Return everything that was asked, as IAM's prefix and the operation."""
        return {operation for operation, _ in self.asked}

    def _remember(self, params: dict[str, Any], model: OperationModel, **_: Any) -> None:
        self._asking.params = dict(params)
        self.asked.append((f"{model.service_model.signing_name}:{model.name}", dict(params)))

    def _answer(self, model: OperationModel, **_: Any) -> tuple[SimpleNamespace, Mapping[str, Any]]:
        answer = self.answers.get(model.name, RefusedError("AccessDenied"))
        try:
            if callable(answer):
                answer = answer(self._asking.params)
            if isinstance(answer, RefusedError):
                raise answer
        except RefusedError as error:
            return SimpleNamespace(status_code=400), {"Error": {"Code": str(error), "Message": "no"}}
        if model.output_shape is not None:
            validate_parameters(answer, model.output_shape)
        return SimpleNamespace(status_code=200), answer


def paged(*pages: dict[str, Any], given: str, returned: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Answer page by page: the token that is asked with as ``given`` came with the page before as ``returned``."""

    def answer(params: Mapping[str, Any]) -> dict[str, Any]:
        number = int(params.get(given, "0"))
        more = {returned: str(number + 1)} if number + 1 < len(pages) else {}
        return pages[number] | more

    return answer

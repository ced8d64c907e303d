"""Errors survive the way through a Prefect state, and speak for themselves."""

from __future__ import annotations

import pickle

import pytest

from tillbridge import errors
from tillbridge.errors import Finding, TillbridgeError

FINDINGS = (Finding("/unitPrice", "abc", "expected a price"), Finding("", None, "expected JSON"))

EXAMPLES = [
    errors.TillbridgeError("base"),
    errors.ConfigurationProblem("the credential was refused"),
    errors.Unavailable("the server is down"),
    errors.NotSent("no connection"),
    errors.NotSent("fewer calls, please", retry_after=30.0),
    errors.FileRejected("feed.json", FINDINGS),
    errors.FileChanged("feed.json grew"),
    errors.FileConflict("feed.json is there"),
    errors.RecordRejected("M100231", FINDINGS),
    errors.RecordRejected("M100231", FINDINGS * 30),
    errors.InternalError("M100231", FINDINGS),
]


def test_every_class_has_an_example() -> None:
    """A new error class is tested here too."""
    classes = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, TillbridgeError)
    }
    assert classes == {type(example) for example in EXAMPLES}


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_comes_back_whole(error: TillbridgeError) -> None:
    """Class, text and members are the same after pickling."""
    back = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)
    assert back.args == error.args


@pytest.mark.parametrize(
    "error", [errors.FileRejected("feed.json", FINDINGS), errors.RecordRejected("M1", FINDINGS)]
)
def test_the_text_names_place_and_expectation_but_no_value(error: TillbridgeError) -> None:
    """Logs hold no customer's value; the value is for the quarantine file."""
    assert "/unitPrice: expected a price" in str(error)
    assert "/: expected JSON" in str(error)
    assert "abc" not in str(error)

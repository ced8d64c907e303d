"""Every error of the library, named by what its reader should do next.

::

    TillbridgeError
    ├── ConfigurationProblem   stop the run; a person mends a setting, then runs again
    ├── Unavailable            a far end or the database is down or full; nothing is lost, the next run goes on
    │   └── NotSent            proof that a request never had an effect; the same order may be sent again
    ├── FileRejected           this file goes to quarantine whole; the other files go on
    ├── FileChanged            the file moved or grew while it was read; leave it, the next run looks again
    ├── FileConflict           another content already stands under this name; a person decides
    └── RecordRejected         this record goes to quarantine with its findings; the rest of its file goes on
        └── InternalError      so does this one, though the fault is this program's; the run fails at its end

Errors cross process borders in Prefect states, so each one pickles: it is rebuilt from the
arguments that made it. Their texts hold keys, fields and limits, never a secret, and never the value
of a customer's field.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a document.

    `pointer` is an RFC 6901 JSON pointer into the document; `value` is what stood there, as text (it
    may be a customer's, so it is written to quarantine files only); `expected` says what was expected
    and, where a person can mend it, where.
    """

    pointer: str
    value: str | None
    expected: str

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.expected}"


MOST_FINDINGS = 20
"""What is kept of one document; who mends these finds the others."""


class TillbridgeError(Exception):
    """Base of every error this library raises on purpose."""


class ConfigurationProblem(TillbridgeError):
    """A setting, credential, host key or address is wrong. Mend it, then run again; no order was used up."""


class Unavailable(TillbridgeError):
    """A far end cannot do its part now. Nothing is lost; run again when it is back."""


class NotSent(Unavailable):
    """A request provably had no effect, so it may be repeated.

    `retry_after` is the number of seconds the far end asked for, or None.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after)
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message


class FileRejected(TillbridgeError):
    """A whole file cannot be used. It goes to quarantine as it came, with the findings beside it."""

    def __init__(self, file_name: str, findings: tuple[Finding, ...]) -> None:
        super().__init__(file_name, findings)
        self.file_name = file_name
        self.findings = findings

    def __str__(self) -> str:
        return f"{self.file_name}: " + "; ".join(str(finding) for finding in self.findings)


class FileChanged(TillbridgeError):
    """The file changed while it was read, so its writer is not done. Leave it to the next run."""


class FileConflict(TillbridgeError):
    """A file of that name with other content exists. Nothing was overwritten; compare the two by hand."""


class RecordRejected(TillbridgeError):
    """One record cannot be used.

    `findings` holds what is wrong with it, not just the first thing: 20 of them, and how many there are
    beside.
    """

    def __init__(self, key: str, findings: tuple[Finding, ...]) -> None:
        # An error that is rebuilt has the one that counts the others already.
        if len(findings) > MOST_FINDINGS + 1:
            more = Finding("", None, f"and {len(findings) - MOST_FINDINGS:,} more findings")
            findings = (*findings[:MOST_FINDINGS], more)
        super().__init__(key, findings)
        self.key = key
        self.findings = findings

    def __str__(self) -> str:
        return f"{self.key}: " + "; ".join(str(finding) for finding in self.findings)


class InternalError(RecordRejected):
    """The work on one record met a fault of this program. It goes to quarantine; tell the maintainer."""

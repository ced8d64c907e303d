"""Why a record could not be used, in words for people. Pure."""

from __future__ import annotations

from tillbridge.errors import Finding, InternalError, RecordRejected

INTERNAL = "internal-error"


def code(problem: RecordRejected, otherwise: str = "order") -> str:
    """Name the first finding without its place, so that the same fault of many orders is one reason."""
    if isinstance(problem, InternalError):
        return INTERNAL
    pointer = problem.findings[0].pointer
    names = [part for part in pointer.split("/") if part and not part.isdecimal()]
    return (names[-1] if names else otherwise)[:40]


def sentences(findings: tuple[Finding, ...], *, with_member: bool = False) -> str:
    """Give the first few findings as a sentence, `with_member` with their places; they hold no value."""
    texts = list(
        dict.fromkeys(
            f"{finding.pointer.lstrip('/')}: {finding.expected}"
            if with_member and finding.pointer
            else finding.expected
            for finding in findings
        )
    )
    shown = "; ".join(texts[:3])
    more = f"; and {len(texts) - 3} more" if len(texts) > 3 else ""
    names_member = with_member and findings[0].pointer
    first = shown[:1] if names_member else shown[:1].upper()
    return f"{first}{shown[1:]}{more}."

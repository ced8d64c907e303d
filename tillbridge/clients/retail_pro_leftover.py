"""What came behind the end of an answer, in the same packet: the only place that reaches into httpcore.

httpcore offers no way to ask for it, and would read it as the answer to the next request.
"""

from __future__ import annotations

import httpcore


def has_leftover(response: httpcore.Response) -> bool:
    """Say whether bytes are left over behind the end of this answer, which was read to its end.

    Ask before the answer is closed; then another thread may be using the connection.
    """
    try:
        connection = response.stream._stream._connection  # type: ignore[union-attr]
        data, _ = connection._h11_state.trailing_data
    except AttributeError:  # another httpcore: a connection too many costs less than a wrong answer
        return True
    return bool(data)

"""The Prefect server that a command talks to."""

from __future__ import annotations

from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings

from tillbridge.errors import ConfigurationProblem


def require_server() -> None:
    """Make sure of the Prefect server; without an address Prefect would quietly start one of its own.

    Raises:
        ConfigurationProblem: there is no address, nobody answers there, or we are not let in.
    """
    address = get_current_settings().api.url
    if not address:
        raise ConfigurationProblem(
            "PREFECT_API_URL is not set; set it to your Prefect server, such as http://127.0.0.1:4200/api"
        )
    try:
        with get_client(sync_client=True) as client:
            client.raise_for_api_version_mismatch()
    except (PrefectHTTPStatusError, RuntimeError) as problem:
        raise ConfigurationProblem(
            f"the Prefect server at {address} cannot be used; check that it runs, PREFECT_API_URL and "
            "PREFECT_API_AUTH_STRING"
        ) from problem

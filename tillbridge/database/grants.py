"""What each PostgreSQL role may do with each table, and the SQL that makes it so. It connects to nothing.

The owner makes and changes tables, the worker is what flows connect as, and the receiver is the process
that tills reach. A table gets its line here when it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import LiteralString

from psycopg import sql
from sqlalchemy import Table

from tillbridge.database import import_tables as imports
from tillbridge.database import ledger_tables as ledger
from tillbridge.database import oms_tables as oms
from tillbridge.database import receiver_tables as receiver
from tillbridge.database import till_tables as till
from tillbridge.database.engine import parsed
from tillbridge.database.schema import VERSION_TABLE
from tillbridge.errors import ConfigurationProblem

_READ: LiteralString = "SELECT"
_ADD: LiteralString = "SELECT, INSERT"
_CHANGE: LiteralString = "SELECT, INSERT, UPDATE"
_DELETE: LiteralString = "SELECT, INSERT, UPDATE, DELETE"

WORKER: Mapping[Table, LiteralString] = {
    VERSION_TABLE: _READ,
    # The invoice ledger. What happened is only ever added to, and no flow lifts the stop after a restore.
    ledger.taken_file: _DELETE,
    ledger.file_taking: _DELETE,
    ledger.file_event: _ADD,
    ledger.transformed_order: _ADD,
    ledger.invoice_order: _CHANGE,
    ledger.order_identity: _DELETE,
    ledger.invoice_attempt: _CHANGE,
    ledger.invoice_event: _ADD,
    ledger.circuit: _CHANGE,
    ledger.ledger: _READ,
    ledger.ledger_restore: _READ,
    ledger.ledger_sending: _CHANGE,
    ledger.failure_report: _DELETE,
    ledger.invoice_failure: "SELECT, INSERT, UPDATE (report_id)",
    # Sales of tills.
    till.till_gate: _CHANGE,
    till.till_batch: _CHANGE,
    till.till_record: _ADD,
    till.till_transaction: _ADD,
    till.till_line: _CHANGE,
    # The order store. Stores, facilities and products are the retailer's to keep.
    oms.product_store: _READ,
    oms.facility: _READ,
    oms.product: _READ,
    oms.good_identification: _READ,
    oms.product_facility: _CHANGE,
    oms.order_header: _CHANGE,
    oms.order_identification: _ADD,
    oms.order_contact_mech: _ADD,
    oms.order_attribute: _ADD,
    oms.order_payment_preference: _ADD,
    oms.order_item_ship_group: _ADD,
    oms.shipment: _READ,
    oms.order_item: _CHANGE,
    oms.order_adjustment: _ADD,
    oms.feed: _DELETE,
    oms.order_fulfillment_history: _ADD,
    imports.product_store_setting: _READ,
    imports.item_issuance: _ADD,
    imports.return_header: _CHANGE,
    imports.return_item: _CHANGE,
    imports.return_adjustment: _ADD,
    imports.return_payment_preference: _ADD,
    imports.inventory_variance: _CHANGE,
    # Whoever imports locks its row, for which PostgreSQL wants the right to change something in it.
    imports.data_manager_config: "SELECT, UPDATE (description)",
    imports.data_manager_log: _CHANGE,
    imports.data_manager_record: _ADD,
}
"""The rights of the worker, of which no flow can do without one."""

RECEIVER: Mapping[Table, LiteralString] = {
    VERSION_TABLE: _READ,
    receiver.tlog_receipt: _CHANGE,
    receiver.tlog_inbox: _DELETE,
}
"""The rights of the receiver."""

_LONGEST_NAME = 63


@dataclass(frozen=True, slots=True)
class Roles:
    """The names of the three roles."""

    owner: str = "tillbridge_owner"
    worker: str = "tillbridge_worker"
    receiver: str = "tillbridge_receiver"


def grants(url: str, roles: Roles) -> str:
    """Write the SQL that makes the roles and their rights in the database of `url`; it may be run again.

    Raises:
        ConfigurationProblem: the database is no PostgreSQL, or a name cannot be used.
    """
    address = parsed(url)
    if address.get_backend_name() != "postgresql" or not address.database:
        raise ConfigurationProblem(
            "only PostgreSQL has roles, and the url of [database] names no database of one, as "
            "postgresql://…/database does"
        )
    _check_names(roles, address.database)
    names = {
        "owner": roles.owner,
        "worker": roles.worker,
        "receiver": roles.receiver,
        "database": address.database,
    }
    return (
        sql.SQL(_SCRIPT)
        .format(
            **{name: sql.Identifier(value) for name, value in names.items()},
            **{f"{name}_name": sql.Literal(value) for name, value in names.items()},
            tables=sql.SQL(", ").join(sql.Literal(table.name) for table in {**WORKER, **RECEIVER}),
            rights=sql.SQL(",\n        ").join(_lines(roles)),
        )
        .as_string()
    )


def _check_names(roles: Roles, database: str) -> None:
    names = astuple(roles)
    for name in (*names, database):
        # The script has blocks between dollar signs.
        if not name.isprintable() or "$" in name or not 0 < len(name.encode()) <= _LONGEST_NAME:
            raise ConfigurationProblem(
                f"{name!r} cannot be used: the name of a role or database has 1 to {_LONGEST_NAME} bytes, "
                "all to be seen, and no $"
            )
    if len(set(names)) < len(names):
        raise ConfigurationProblem(f"owner, worker and receiver are three roles, not {names}")


def _lines(roles: Roles) -> Iterator[sql.Composable]:
    for role, rights in ((roles.worker, WORKER), (roles.receiver, RECEIVER)):
        for table, right in rights.items():
            row = (sql.Literal(table.name), sql.Literal(role), sql.Literal(right))
            yield sql.SQL("({})").format(sql.SQL(", ").join(row))


_SCRIPT: LiteralString = """\
-- The PostgreSQL roles of tillbridge and their rights in the database {database}.
--
-- Run it connected to that database, as an administrator of the server: once before the first
-- `tillbridge setup`, and again after each, because what a table that is not there yet needs is left out.
-- It sets no password: give each role its own, in psql with \\password.
BEGIN;

DO $check$
DECLARE
    given text;
    found record;
BEGIN
    IF current_database() <> {database_name} THEN
        RAISE EXCEPTION 'this is the database %, connect to %', current_database(), {database_name};
    END IF;
    FOREACH given IN ARRAY ARRAY[{owner_name}, {worker_name}, {receiver_name}] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = given) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', given);
        END IF;
    END LOOP;
    -- Rights bind nobody who is an administrator, or acts as the owner.
    FOR found IN
        SELECT rolname FROM pg_catalog.pg_roles WHERE rolname IN ({worker_name}, {receiver_name})
            AND (rolsuper OR rolcreaterole OR pg_has_role(oid, {owner_name}, 'MEMBER') OR oid =
                (SELECT datdba FROM pg_catalog.pg_database WHERE datname = current_database()))
    LOOP
        RAISE EXCEPTION 'no rights bind the role %: it is an administrator, owns the database or acts as %',
            found.rolname, {owner_name};
    END LOOP;
    FOR found IN
        SELECT tablename, tableowner FROM pg_catalog.pg_tables
        WHERE schemaname = 'public' AND tablename IN ({tables}) AND tableowner <> {owner_name}
    LOOP
        RAISE EXCEPTION 'the table % belongs to %, not to %', found.tablename, found.tableowner, {owner_name}
            USING HINT = 'Print this again with --owner-role ' || found.tableowner || ', or change the owner.';
    END LOOP;
END $check$;

-- The database is for these three. Give others who need it, such as a monitor, the right to CONNECT by name.
REVOKE ALL ON DATABASE {database} FROM PUBLIC, {worker}, {receiver};
GRANT CONNECT ON DATABASE {database} TO {owner}, {worker}, {receiver};
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM {worker}, {receiver};
GRANT USAGE, CREATE ON SCHEMA public TO {owner};
GRANT USAGE ON SCHEMA public TO {worker}, {receiver};

-- Tables that later versions make: the flows can go on until this was run again and rights are exact.
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public REVOKE ALL ON TABLES FROM {worker}, {receiver};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public REVOKE ALL ON SEQUENCES FROM {worker}, {receiver};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {worker};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE ON SEQUENCES TO {worker};

-- Tables that are there: what is not named here is taken away.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {worker}, {receiver};
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {worker}, {receiver};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {worker};
DO $tables$
DECLARE
    given record;
BEGIN
    FOR given IN SELECT * FROM (VALUES
        {rights}
    ) AS wanted (of_table, to_role, rights)
    WHERE to_regclass(format('public.%I', of_table)) IS NOT NULL
    LOOP
        EXECUTE format('GRANT %s ON TABLE public.%I TO %I', given.rights, given.of_table, given.to_role);
    END LOOP;
END $tables$;

COMMIT;
"""

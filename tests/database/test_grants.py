"""PostgreSQL's roles: what set-up prints gives each its rights and no more.

That the rights are enough is shown by all other tests: those that open a database do so as the worker, and
those that start a receiver as the receiver.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Engine, text

import tillbridge.database
from sandbox import postgresql
from tests.fixtures_database import ROLES, as_role, give_rights
from tillbridge.database.engine import connect, transaction
from tillbridge.database.grants import RECEIVER, WORKER, Roles, grants
from tillbridge.database.metadata import metadata
from tillbridge.database.schema import VERSION_TABLE, require_schema
from tillbridge.database.upgrading import upgrade
from tillbridge.errors import ConfigurationProblem

OWNER_ROLE, WORKER_ROLE, RECEIVER_ROLE = ROLES.owner, ROLES.worker, ROLES.receiver


@pytest.fixture(scope="module")
def url(postgresql_server: str, postgresql_template: str) -> Iterator[str]:
    """A database with this version's schema and rights; the URL is its administrator's."""
    with postgresql.fresh_database(postgresql_server, postgresql_template) as url:
        give_rights(url)
        yield url


@pytest.fixture
def empty(postgresql_server: str) -> Iterator[str]:
    """A database of which its administrator has only just thought."""
    with postgresql.fresh_database(postgresql_server) as url:
        yield url


def run(url: str, role: str, statement: str) -> None:
    """Run a statement as a role, and take it back."""
    with psycopg.connect(as_role(url, role)) as connection:
        connection.execute(statement.encode())
        connection.rollback()


def rights(url: str) -> set[tuple[str, str, str, str]]:
    """Read every right on a table, or on a column of one, that worker or receiver have."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT grantee::regrole::text, of_table, privilege_type, of_column FROM ("
            "  SELECT relname, '', relacl FROM pg_class WHERE relkind = 'r'"
            "  UNION ALL SELECT relname, attname, attacl FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
            ") AS one (of_table, of_column, acl), aclexplode(acl) "
            "WHERE grantee = ANY(%s::regrole[])",
            [[WORKER_ROLE, RECEIVER_ROLE]],
        )
        return set(found.fetchall())


def decided() -> set[tuple[str, str, str, str]]:
    """Put the decisions in the same form."""
    made = set()
    for role, tables in ((WORKER_ROLE, WORKER), (RECEIVER_ROLE, RECEIVER)):
        for table, line in tables.items():
            for right in line.split(", "):
                kind, _, column = right.partition(" ")
                made.add((role, table.name, kind, column.strip("()")))
    return made


def test_every_table_has_a_decision() -> None:
    """Whoever makes a table says who may do what with it, or no process can use it."""
    for module in Path(tillbridge.database.__file__).parent.glob("*_tables.py"):
        import_module(f"tillbridge.database.{module.stem}")
    assert {*WORKER, *RECEIVER} == {*metadata.tables.values(), VERSION_TABLE}


def test_what_others_test_has_the_workers_rights(engine: Engine) -> None:
    """The rest of the suite would notice a right that is missing."""
    if engine.dialect.name == "postgresql":
        with transaction(engine) as connection:
            assert connection.scalar(text("SELECT current_user")) == WORKER_ROLE


def test_roles_have_exactly_what_was_decided(url: str) -> None:
    """Running it again changes nothing, and takes away what somebody has given since."""
    assert rights(url) == decided()
    with psycopg.connect(url) as connection:
        connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {WORKER_ROLE}".encode())
        connection.execute(f"GRANT UPDATE (body) ON invoice_order TO {RECEIVER_ROLE}".encode())
    assert rights(url) != decided()
    give_rights(url)
    assert rights(url) == decided()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE invoice_order",
        "ALTER TABLE invoice_order ADD COLUMN mine text",
        "ALTER TABLE invoice_event DISABLE TRIGGER ALL",
        "CREATE INDEX mine ON invoice_order (state)",
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "TRUNCATE invoice_event",
        "DELETE FROM invoice_event",
        "UPDATE invoice_event SET who = 'nobody'",
        "DELETE FROM file_event",
        "DELETE FROM invoice_order",
        "DELETE FROM invoice_attempt",
        "DELETE FROM invoice_failure",
        "UPDATE invoice_failure SET reason = ''",
        "UPDATE ledger_restore SET ended_at = now()",
        "UPDATE ledger SET ledger_id = ''",
        "UPDATE alembic_version SET version_num = '0'",
        "UPDATE transformed_order SET currency = 'EUR'",
        "UPDATE facility SET invoicing_store_code = 'mine'",
        "UPDATE data_manager_config SET config_id = 'mine'",
        "SELECT body FROM tlog_inbox",
        "COPY invoice_order TO PROGRAM 'cat'",
        "COPY invoice_order TO '/tmp/orders'",
        f"SET ROLE {OWNER_ROLE}",
        "CREATE ROLE mine",
    ],
)
def test_the_worker_cannot(url: str, statement: str) -> None:
    """What happened stays in the logs, and no flow changes a table or lifts the stop after a restore."""
    with pytest.raises(errors.InsufficientPrivilege):
        run(url, WORKER_ROLE, statement)


@pytest.mark.parametrize(
    "statement",
    [
        *(f"SELECT FROM {t.name}" for t in metadata.sorted_tables if t not in RECEIVER),
        "SELECT body FROM invoice_order",
        "UPDATE invoice_order SET state = 'READY'",
        "INSERT INTO taken_file (folder) VALUES ('x')",
        "DELETE FROM invoice_event",
        "DELETE FROM tlog_receipt",
        "TRUNCATE tlog_inbox",
        "DROP TABLE tlog_inbox",
        "UPDATE alembic_version SET version_num = '0'",
        "CREATE TABLE mine (id int)",
        "SELECT nextval('invoice_event_id_seq')",
        f"SET ROLE {WORKER_ROLE}",
    ],
)
def test_the_receiver_cannot(url: str, statement: str) -> None:
    """Whoever takes over what tills reach sees no order, and changes none."""
    with pytest.raises(errors.InsufficientPrivilege):
        run(url, RECEIVER_ROLE, statement)


def test_nobody_else_comes_in(url: str) -> None:
    """Another team's role on the same server does not reach the database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE another_team LOGIN")
    engine = connect(as_role(url, "another_team"))
    with pytest.raises(ConfigurationProblem, match="permission denied for database"):
        require_schema(engine)
    engine.dispose()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE another_team")


def test_a_first_installation(empty: str) -> None:
    """Rights before the tables, tables as the owner, rights again: each step says what is missing."""
    give_rights(empty)
    owner, worker, receiver = (
        connect(as_role(empty, role)) for role in (OWNER_ROLE, WORKER_ROLE, RECEIVER_ROLE)
    )
    with pytest.raises(ConfigurationProblem, match=r"`\[database_owner\]` of the configuration"):
        upgrade(worker)
    upgrade(owner)
    require_schema(worker)
    with pytest.raises(ConfigurationProblem, match="`tillbridge setup --print-grants` prints"):
        require_schema(receiver)
    give_rights(empty)
    require_schema(receiver)
    assert rights(empty) == decided()
    for engine in (owner, worker, receiver):
        engine.dispose()


def test_an_administrator_need_not_be_a_superuser(postgresql_server: str) -> None:
    """Where the server is somebody else's, a role that may make roles gives the rights, as the guide says."""
    with psycopg.connect(f"{postgresql_server}/postgres", autocommit=True) as connection:
        connection.execute("CREATE ROLE administrator LOGIN CREATEROLE")
    roles = Roles("his_owner", "his_worker", "his_receiver")
    with postgresql.fresh_database(postgresql_server) as superuser:
        url = as_role(superuser, "administrator")
        name = url.rpartition("/")[2]
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} OWNER TO administrator".encode())
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE his_owner LOGIN; GRANT his_owner TO CURRENT_USER")
        give_rights(url, roles)
        owner = connect(as_role(url, roles.owner))
        upgrade(owner)
        owner.dispose()
        give_rights(url, roles)
        run(url, roles.worker, "SELECT body FROM invoice_order FOR UPDATE")
        with pytest.raises(errors.InsufficientPrivilege):
            run(url, roles.receiver, "SELECT body FROM invoice_order")


def test_a_table_of_a_later_version(url: str) -> None:
    """The flows of that version go on at once; the receiver waits until its rights were given again."""
    with psycopg.connect(as_role(url, OWNER_ROLE)) as connection:
        connection.execute("CREATE TABLE later (id serial PRIMARY KEY, what text)")
    run(url, WORKER_ROLE, "INSERT INTO later (what) VALUES ('x') RETURNING id")
    run(url, WORKER_ROLE, "UPDATE later SET what = 'y'")
    with pytest.raises(errors.InsufficientPrivilege):
        run(url, RECEIVER_ROLE, "SELECT FROM later")
    with psycopg.connect(as_role(url, OWNER_ROLE)) as connection:
        connection.execute("DROP TABLE later")


def test_names_are_quoted(empty: str) -> None:
    """Signs in the name of a role neither break the SQL nor become a part of it."""
    roles = Roles('Ow"ner', "wor'ker;DROP", "re\\ceiver")
    give_rights(empty, roles)
    owner = connect(as_role(empty, roles.owner))
    upgrade(owner)
    owner.dispose()
    give_rights(empty, roles)
    run(empty, roles.worker, "SELECT body FROM invoice_order")
    run(empty, roles.receiver, "SELECT body FROM tlog_inbox")
    with pytest.raises(errors.InsufficientPrivilege):
        run(empty, roles.receiver, "SELECT body FROM invoice_order")


def test_roles_that_no_rights_bind_are_refused(url: str) -> None:
    """An administrator, an owner of tables or the wrong database: nothing is done, and it is said why."""
    administrator = psycopg.conninfo.conninfo_to_dict(url)["user"]
    for roles, said in (
        (Roles(worker=str(administrator)), "no rights bind the role tillbridge"),
        (Roles(owner="another"), "belongs to tillbridge_owner, not to another"),
    ):
        with pytest.raises(errors.RaiseException, match=said):
            give_rights(url, roles)
    with (
        psycopg.connect(url) as connection,
        pytest.raises(errors.RaiseException, match="connect to elsewhere"),
    ):
        connection.execute(grants("postgresql://h/elsewhere", ROLES).encode())
    assert rights(url) == decided()

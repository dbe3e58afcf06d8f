"""deploy/own-role.sql: the data of the compose file in which the product was PostgreSQL's superuser."""

import os
import subprocess
from contextlib import closing

import psycopg2
import pytest

from dev import forked
from dev.embedded import running
from dev.folders import ROOT
from dev.postgresql import PostgreSQL, program
from dev.process import PLAIN_ENVIRONMENT

# The newest migrations of that version.
THEN = {"leads": "0004", "notifications": "0003"}
OWNERS = """
SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
UNION SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'plumbing'
"""


class Server:
    def __init__(self, url):
        self.url = url

    def execute(self, role, *statements, database="plumbing"):
        """Each by itself; the rows of the last one."""
        with closing(psycopg2.connect(self.address(role, database))) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def manage(self, role, *arguments):
        return forked.manage(*arguments, environment=os.environ | {"DATABASE_URL": self.address(role)})

    def address(self, role, database="plumbing"):
        return self.url.replace("postgres@/postgres", f"{role}@/{database}")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """As that compose file made it: its first superuser is `plumbing`, and there is no other."""
    folder = tmp_path_factory.mktemp("own-role")
    folder.chmod(0o755)  # for the user that PostgreSQL runs as
    with running(PostgreSQL(folder, outlives_the_machine=False)) as url:
        server = Server(url)
        server.execute("postgres", "CREATE ROLE renaming SUPERUSER LOGIN", database="postgres")
        server.execute(
            "renaming",
            "ALTER ROLE postgres RENAME TO plumbing",
            "ALTER ROLE plumbing PASSWORD 'old'",
            "CREATE DATABASE plumbing OWNER plumbing ENCODING 'UTF8' TEMPLATE template0",
            database="postgres",
        )
        server.execute("plumbing", "DROP ROLE renaming")
        yield server


@pytest.fixture
def give_own_role(server, tmp_path):
    """Run the script as documented, with the secrets that deploy/make-secrets has made, or without."""

    def give(**passwords):
        for name, password in passwords.items():
            (tmp_path / name).write_text(f"{password}\n")
        script = (ROOT / "deploy/own-role.sql").read_text().replace("/run/secrets", str(tmp_path))
        return subprocess.run(
            [program("psql"), "--quiet", server.address("plumbing")],
            input=script,
            env=PLAIN_ENVIRONMENT,
            capture_output=True,
            text=True,
        )

    return give


def test_the_role_owns_its_database_and_nothing_else_and_migrates_it(server, give_own_role):
    for app, newest in THEN.items():
        assert server.manage("plumbing", "migrate", app, newest).returncode == 0
    server.execute(
        "plumbing",
        "INSERT INTO plumbers (phone, pack_size) VALUES ('+33639980001', 5)",
        "CREATE VIEW ours AS SELECT id FROM plumbers",
        "CREATE FUNCTION ours() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SEQUENCE free",
    )

    [(old_password,)] = server.execute("plumbing", "SELECT rolpassword FROM pg_authid WHERE rolname = 'plumbing'")

    without_secrets = give_own_role()
    assert (without_secrets.returncode, "run deploy/make-secrets" in without_secrets.stderr) == (3, True)
    assert server.execute("plumbing", "SELECT rolname FROM pg_roles WHERE rolcanlogin") == [("plumbing",)]

    done = give_own_role(postgres_password="s3cret", database_password="its-own")
    assert (done.returncode, done.stderr) == (0, "")

    rights = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles"
    assert server.execute("plumbing", f"{rights} WHERE rolname = 'plumbing'") == [(False,) * 5]
    roles = "SELECT rolname, rolsuper FROM pg_roles WHERE rolsuper OR rolcanlogin ORDER BY 1"
    assert server.execute("plumbing", roles) == [("plumbing", False), ("postgres", True)]
    open_to_all = (
        "SELECT datname FROM pg_database WHERE datallowconn AND has_database_privilege('public', oid, 'CONNECT')"
    )
    assert server.execute("plumbing", open_to_all) == []
    assert server.execute("plumbing", OWNERS) == [("plumbing",)]
    migrated = server.manage("plumbing", "migrate", "--no-input")
    assert migrated.returncode == 0, migrated.stderr
    assert server.execute("plumbing", "SELECT phone FROM plumbers") == [("+33639980001",)]
    again = give_own_role()
    assert (again.returncode, again.stdout) == (0, "Nothing to do: plumbing is no superuser.\n")
    passwords = dict(server.execute("postgres", "SELECT rolname, rolpassword FROM pg_authid WHERE rolcanlogin"))
    assert {*passwords} == {"plumbing", "postgres"} and old_password not in passwords.values()
    assert all(password.startswith("SCRAM-SHA-256$") for password in passwords.values())

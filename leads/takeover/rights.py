"""May this role, on this server, change these tables at all?"""

from leads.takeover.catalogue import Cursor, old_tables

SERVER = """
SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on',
       current_setting('server_encoding'), current_user, current_schema(),
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)
"""
OWNER = """
SELECT current_user, pg_get_userbyid(relowner), pg_has_role(relowner, 'USAGE'), row_security_active(oid)
  FROM pg_class WHERE oid = %s::regclass
"""


def server_problems(cursor: Cursor) -> list[str]:
    """A server that takes no changes, or a database that cannot hold what we write."""
    cursor.execute(SERVER)
    read_only, encoding, role, schema, may_create = cursor.fetchone()
    found = []
    if read_only:
        found.append(
            "This server takes no changes (a standby, or default_transaction_read_only is on): "
            "let DATABASE_URL name the primary."
        )
    if encoding != "UTF8":
        found.append(
            f"The database's encoding is {encoding}, in which not every name can be written: restore a dump of it into "
            "one made with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
        )
    if not may_create:
        found.append(
            f"The role {role} may not create tables in the schema {schema}: as a superuser, "
            f"GRANT USAGE, CREATE ON SCHEMA {schema or 'public'} TO {role}."
        )
    return found


def owner_problems(cursor: Cursor) -> list[str]:
    """Only a table's owner, or a member of that role, may alter it; and a policy may hide rows from its owner."""
    found = []
    for table in old_tables(cursor):
        cursor.execute(OWNER, [table])
        role, owner, is_ours, hides_rows = cursor.fetchone()
        if not is_ours:
            found.append(
                f"{table} belongs to the role {owner}: as a superuser, GRANT {owner} TO {role}; "
                "the old system keeps its own rights then."
            )
        if hides_rows and is_ours:
            found.append(
                f"Row security may hide rows of {table} from us: ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY."
            )
    return found

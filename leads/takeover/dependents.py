"""What stands on the columns whose type changes."""

import re

from leads.takeover.catalogue import Cursor, columns_to_convert, old_tables

# PostgreSQL refuses to change the type of a column that these use; a plain index, a foreign key or a check follows.
DEPENDENTS = """
SELECT attname, pg_describe_object(classid, objid, objsubid),
       concat_ws(' ', pg_get_expr(indexprs, indrelid), pg_get_expr(indpred, indrelid))
  FROM pg_depend
  JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
  LEFT JOIN pg_index ON classid = 'pg_class'::regclass AND indexrelid = objid
  LEFT JOIN pg_attrdef ON classid = 'pg_attrdef'::regclass AND pg_attrdef.oid = objid
 WHERE refclassid = 'pg_class'::regclass AND refobjid = %s::regclass AND attname = ANY(%s)
   AND (classid IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass, 'pg_proc'::regclass,
                    'pg_publication_rel'::regclass)
        OR adnum <> refobjsubid OR indexprs IS NOT NULL OR indpred IS NOT NULL)
 ORDER BY attnum, 2
"""


def dependent_problems(cursor: Cursor) -> list[str]:
    """Views, triggers, policies, generated columns, and indexes on what is computed from a column."""
    found: dict[str, list[str]] = {}
    for table in old_tables(cursor):
        cursor.execute(DEPENDENTS, [table, columns_to_convert(cursor, table)])
        for name, dependent, computed in cursor.fetchall():
            if not computed or _uses_value(computed, name):
                columns = found.setdefault(_plainly(dependent), [])
                columns += [f"{table}.{name}"] * (f"{table}.{name}" not in columns)
    if not found:
        return []
    dependents = ", ".join(f"{dependent} ({', '.join(columns)})" for dependent, columns in found.items())
    return [
        f"These depend on columns whose type changes: {dependents}. Keep their definitions (pg_dump --schema-only), "
        "drop them, run migrate, and create them again for columns with a time zone: a day is then "
        "date(created_at AT TIME ZONE 'UTC')."
    ]


def _plainly(description: str) -> str:
    """A view is a rule to PostgreSQL, and what computes a generated column its default value."""
    return description.removeprefix("rule _RETURN on ").replace("default value for column", "generated column")


def _uses_value(computed: str, name: str) -> bool:
    """Whether an instant exists does not depend on its time zone."""
    return bool(re.search(rf"\b{name}\b(?! IS (NOT )?NULL)", computed))

"""Do the rows keep to the rules of the columns?"""

from leads.takeover.catalogue import Cursor, found_columns, old_tables
from leads.takeover.columns import TABLES

SHOWN = 20  # ids of one kind


def row_problems(cursor: Cursor) -> list[str]:
    """Each rule that rows break, with their ids and the way out. One scan of each table."""
    found = []
    for table in old_tables(cursor):
        rules = _rules(cursor, table)
        columns = [
            f"count(*) FILTER (WHERE NOT ({rule})), (array_agg(id ORDER BY id) FILTER (WHERE NOT ({rule})))[:{SHOWN}]"
            for _, rule in rules
        ]
        cursor.execute(f"SELECT {', '.join(columns)} FROM {table}")
        counts = iter(cursor.fetchone())
        for (name, rule), count, ids in zip(rules, counts, counts, strict=True):
            if count:
                found.append(
                    f"{table}.{name} must keep to: {rule}. Rows that do not, by id: {shortened(ids, count)}. "
                    f"Correct them: UPDATE {table} SET {name} = … WHERE NOT ({rule})."
                )
    return found


def _rules(cursor: Cursor, table: str) -> list[tuple[str, str]]:
    """Column and rule, for the columns that are there. Where a column is NOT NULL already, nothing needs a look."""
    found = found_columns(cursor, table)
    rules = [(name, column.rule) for name, column in TABLES[table].items() if name in found and column.rule]
    rules += [
        (name, f"{name} IS NOT NULL")
        for name, column in TABLES[table].items()
        if name in found and column.required and not found[name].required and not column.added_later
    ]
    if "plumbers" not in old_tables(cursor):  # made empty before 0003, whose look tries this rule
        rules = [(name, rule) for name, rule in rules if name != "plumber_id"]
    return rules


def shortened(ids: list[int], count: int) -> str:
    """`count` ids, of which `ids` are the first: 1, 2 and 5 more."""
    more = f" and {count - SHOWN:,} more" if count > SHOWN else ""
    return ", ".join(map(str, ids)) + more

"""Do the rows keep to the rules of the columns?"""

from leads.takeover.catalogue import Cursor, found_columns, old_tables
from leads.takeover.columns import TABLES, Column

UNKNOWN = Column("")  # one of the old system's own
SHOWN = 20  # ids of one kind


def row_problems(cursor: Cursor) -> list[str]:
    """Each rule that rows break, with their ids and the way out. One scan of each table."""
    return [sentence for table in old_tables(cursor) for sentence in _broken(cursor, table)]


def _broken(cursor: Cursor, table: str) -> list[str]:
    rules = _rules(cursor, table)
    bad_rows = " OR ".join(f"NOT ({rule})" for _, rule in rules)
    bad_ids = [f"array_agg(id ORDER BY id) FILTER (WHERE NOT ({rule}))" for _, rule in rules]
    columns = ", ".join(f"cardinality({ids}), ({ids})[:{SHOWN}]" for ids in bad_ids)
    cursor.execute(f"SELECT {columns} FROM {table} WHERE {bad_rows}")
    answers = iter(cursor.fetchone())
    return [
        f"{table}.{name} must keep to: {rule}. Rows that do not, by id: {shortened(ids, count)}. "
        f"Correct them: UPDATE {table} SET {name} = … WHERE NOT ({rule})."
        for (name, rule), count, ids in zip(rules, answers, answers, strict=True)
        if count
    ]


def _rules(cursor: Cursor, table: str) -> list[tuple[str, str]]:
    """Column and rule, for the columns that are there; what their types hold already needs no look."""
    rules = []
    for name, found in found_columns(cursor, table).items():
        column = TABLES[table].get(name, UNKNOWN)
        if column.rule and (name != "plumber_id" or "plumbers" in old_tables(cursor)):  # else they are made, empty
            rules.append((name, column.rule))
        if column.max_length and found.type != column.type:
            rules.append((name, f"length({name}) <= {column.max_length}"))
        if column.required and not found.required and not column.nulls_mean_default:
            rules.append((name, f"{name} IS NOT NULL"))
    return rules


def shortened(ids: list[int], count: int) -> str:
    """`count` ids, of which `ids` are the first: 1, 2 and 5 more."""
    more = f" and {count - SHOWN:,} more" if count > SHOWN else ""
    return ", ".join(map(str, ids)) + more

import datetime

from django.db import models
from django.db.models import Q

# Python's calendar ends with the year 9999, and a time zone may move an instant by most of a day.
FIRST_INSTANT = datetime.datetime(1, 1, 2, tzinfo=datetime.UTC)
END_OF_INSTANTS = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)


def readable(table: str, column: str) -> models.CheckConstraint:
    """Python can hold its instants: the old page, which still runs, may write any (infinity, the year 58863)."""
    years = Q((f"{column}__gte", FIRST_INSTANT), (f"{column}__lt", END_OF_INSTANTS))
    return models.CheckConstraint(name=f"{table}_{column}_readable", condition=years)

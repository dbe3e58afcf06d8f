"""Lists of any length: nothing on their pages grows with the rows that they do not show."""

from django.contrib import admin
from django.core.paginator import Paginator
from django.utils.functional import cached_property

COUNTED = 2000  # rows: nobody turns 40 pages, and to count a million rows takes long


class CappedPaginator(Paginator):
    """Counts, and shows, the first COUNTED rows."""

    @cached_property
    def count(self) -> int:
        """In the list's order: an index that has the first of them spares PostgreSQL the others."""
        return self.object_list.values("pk")[:COUNTED].count()


class LongList(admin.ModelAdmin):
    change_list_template = "desk/long_list.html"  # says where it ends
    paginator = CappedPaginator
    list_per_page = 50
    show_full_result_count = False  # beside a search, it would count every row there is
    show_facets = admin.ShowFacets.NEVER  # and so would each of these

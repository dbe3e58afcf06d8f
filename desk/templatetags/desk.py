from django import template
from django.utils import timezone

from desk import figures, open_entries
from desk.roles import may_see

register = template.Library()


@register.simple_tag(takes_context=True)
def open_count(context: template.Context) -> str:
    """How many leads need a person; empty for whoever may not see them, and while none does."""
    request = context.get("request")
    if request is None or not may_see(request):
        return ""
    found = open_entries.now_open()
    return found.count if found.entries else ""


@register.filter
def get(choices: dict, key: str) -> str:
    return choices.get(key, "")


@register.filter
def age(since: object) -> str:
    return figures.in_words(timezone.now() - since) if since else "?"

"""/api/docs: the description of the API as a page without scripts."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from leads.api import api


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Made from what runs: /api/openapi.json as people read it."""
    description = api.get_openapi_schema()
    operations = [
        {"method": method.upper(), "path": path} | operation | {"fields": _fields(operation, description)}
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    about = {"info": description["info"], "operations": operations, "site": settings.SITE_URL}
    return render(request, "leads/api_docs.html", about)


def _fields(operation: dict, description: dict) -> list[dict]:
    """Of the request's body."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return []
    schema = description["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    return [
        {"name": name, "required": name in schema["required"]} | about for name, about in schema["properties"].items()
    ]

"""What every answer of the API has in common: JSON, a French sentence where it refuses, and that nobody keeps it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

API = "/api/lead"  # below it, every answer is JSON
SENTENCES = {  # by status, of what is refused before or after the API itself
    400: "Cette requête ne peut pas être lue",
    403: "Cette requête est refusée",
    404: "Cette adresse n'existe pas",
    405: "Cette adresse ne s'utilise pas avec cette méthode",
    408: "Cette requête n'est pas arrivée en entier : envoyez-la de nouveau",
    413: "Cette requête est trop grande",
    414: "Cette adresse est trop longue",
    415: "Envoyez du JSON en UTF-8",
    417: "Cette requête attend ce que nous ne faisons pas",
    431: "Cette requête a des en-têtes trop grands",
    500: "Une erreur s'est produite de notre côté",
    501: "Cette requête est encodée d'une façon que nous ne lisons pas",
    503: "Nous ne pouvons pas vous répondre à cet instant : recommencez dans quelques secondes",
}


def refusal(
    status: int, error: str = "", *, errors: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> HttpResponse:
    """`errors` are sentences by field. Without `error`, the first of these or what the status means."""
    error = error or next(iter((errors or {}).values()), "") or SENTENCES.get(status, SENTENCES[500])
    body = {"success": False, "error": error} | ({"errors": errors} if errors else {})
    return JsonResponse(body, status=status, headers=headers, json_dumps_params={"ensure_ascii": False})


class ApiAnswersMiddleware:
    """Below /api/lead also an unknown address, another method or a database that is away is answered in JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path_info.startswith(API):
            return response
        if response.status_code >= 400 and response["Content-Type"] != "application/json":
            kept = {name: response[name] for name in ("Allow", "Retry-After") if name in response}
            response = refusal(response.status_code, headers=kept)
        response["Cache-Control"] = "no-store"
        response["Referrer-Policy"] = "no-referrer"
        return response

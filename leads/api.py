"""The API, for partners and for pages of others: a thin edge over intake.receive and progress.of."""

from datetime import datetime
from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Header, NinjaAPI, Path, Schema
from ninja.decorators import decorate_view
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import HttpBearer

from leads import api_keys, consent, emergencies, intake, limits
from leads.api_answers import refusal
from leads.assignment import ExpiredToken, UnknownToken, find
from leads.client_address import client_network
from leads.emergencies import LONGEST_DETAIL, Emergency
from leads.forms import LeadForm
from leads.idempotency import Call, OtherRequest
from leads.json_body import StrictParser, json_only
from leads.links import confirmation_link, meant
from leads.models import ApiKey, Lead
from notifications import progress

# Numbers that exist, in the usual French spellings. We take more: the description of the field says so.
_SEPARATOR = "[ .-]?"
_FRENCH = (
    rf"^(0|\+33 ?)([1-3]{_SEPARATOR}[0-9]|4{_SEPARATOR}[1-9]|5{_SEPARATOR}[0-8]|6{_SEPARATOR}[0-24-8])[0-9]"
    rf"({_SEPARATOR}[0-9]{{2}}){{3}}$"
)
DESCRIPTION = f"""\
Une demande envoyée ici reste à confirmer : donnez à votre client l'adresse de confirmation que vous recevez.
Avant d'envoyer, faites-lui lire : « {consent.SENTENCE} »

Sans clé, cette adresse est limitée comme notre page. Une clé de partenaire s'envoie dans
Authorization: Bearer …, et a sa propre limite."""


class AnybodyOrPartner(HttpBearer):
    """`request.auth`: the partner's ApiKey, or ANYBODY without an Authorization header. 401 for a key that is none."""

    ANYBODY = "anybody"

    def __call__(self, request: HttpRequest) -> ApiKey | str | None:
        return super().__call__(request) if "Authorization" in request.headers else self.ANYBODY

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        return api_keys.find(token.strip())


api = NinjaAPI(
    title="Demandes de plombier",
    version="1",
    description=DESCRIPTION,
    docs_url=None,  # its page would load scripts of others: leads/api_docs.py
    parser=StrictParser(),
    auth=AnybodyOrPartner(),
    urls_namespace="api",
)
NOT_REQUIRED = {"security": [{}]}  # beside what ninja says: without a key, too


class LeadIn(Schema):
    phone: str = Field(
        description="Le numéro à rappeler, dans toute écriture usuelle : de France, d'outre-mer, de Monaco ou, avec "
        "son indicatif, d'un pays voisin.",
        json_schema_extra={"pattern": _FRENCH, "examples": ["06 12 34 56 78"]},
    )
    postal_code: str = Field(
        description="Le code postal du lieu de l'urgence.",
        json_schema_extra={"pattern": "^(0[1-9]|[1-8][0-9]|9[0-5])[0-9]{3}$|^97[1-8][0-9]{2}$", "examples": ["75011"]},
    )
    emergency_type: str = Field(
        description="Ce qui arrive, en court ou en entier.",
        json_schema_extra={"enum": [*Emergency.values, *Emergency.labels]},
    )
    detail: str = Field(
        "", description="Une précision pour le plombier.", json_schema_extra={"maxLength": LONGEST_DETAIL}
    )


class LeadOut(Schema):
    success: Literal[True] = True
    id: int
    confirmation_url: str | None = Field(
        None,
        description="À donner au client, qui y confirme. Absente quand une demande d'ailleurs attend déjà ce numéro.",
    )
    expires_at: datetime | None = Field(None, description="Jusqu'à quand cette adresse est valable.")


class Step(Schema):
    label: str
    at: datetime | None


class StatusOut(Schema):
    success: Literal[True] = True
    status: str = Field(description="Un mot pour un programme, par exemple unconfirmed, waiting, notified, failed.")
    title: str
    text: str
    steps: list[Step]
    may_change: bool = Field(description="S'il peut y avoir du nouveau d'ici quelques minutes.")


class Refusal(Schema):
    success: Literal[False] = False
    error: str = Field(description="Une phrase à montrer.")
    errors: dict[str, str] | None = Field(None, description="Une phrase pour chaque champ à corriger.")


REFUSALS = frozenset((400, 401, 409, 413, 415, 429, 503))
STATUS_LINK = {
    "operationId": "lead_status",
    "parameters": {"token": "$response.body#/confirmation_url#regex:/confirm/([^/]+)/"},
}


@api.post("/lead/", include_in_schema=False, response={200: LeadOut}, exclude_none=True, url_name="lead_slash")
@api.post(
    "/lead",
    operation_id="make_lead",
    summary="Faire une demande",
    response={200: LeadOut, REFUSALS: Refusal},
    exclude_none=True,
    openapi_extra=NOT_REQUIRED | {"responses": {200: {"links": {"status": STATUS_LINK}}}},
)
@decorate_view(json_only)
def make_lead(
    request: HttpRequest,
    payload: LeadIn,
    idempotency_key: str | None = Header(
        None,
        alias="Idempotency-Key",
        pattern="^[!-~]{1,255}$",
        description="De votre choix. La même requête avec la même clé, dans les 24 heures, reçoit la même réponse.",
    ),
) -> LeadOut | HttpResponse:
    """Le même numéro dans la demi-heure ne fait pas de deuxième demande."""
    form = LeadForm(_fields(payload))
    if not form.is_valid():
        return refusal(400, errors={_field(name): sentences[0] for name, sentences in form.errors.items()})
    partner = request.auth if isinstance(request.auth, ApiKey) else None
    client = client_network(request)
    limits.check(client=client, phone=form.wanted["phone"].national, api_key=partner)
    caller = f"partner {partner.pk}" if partner else f"client {client}"
    call = Call.of(caller, idempotency_key, payload.dict()) if idempotency_key else None
    origin = {"source": Lead.Source.API, "consent_version": consent.VERSION}
    return _answer(intake.receive(**form.wanted, **origin, api_key=partner, call=call))


@api.get(
    "/lead/{path:token}",
    operation_id="lead_status",
    summary="Où en est une demande",
    response={200: StatusOut, frozenset((401, 404, 410, 503)): Refusal},
    openapi_extra=NOT_REQUIRED,
)
def lead_status(
    request: HttpRequest, token: str = Path(description="La fin de l'adresse de confirmation.")
) -> StatusOut:
    """Ce que dit la réponse, le client le lit aussi à l'adresse de confirmation."""
    lead = _lead_of(token)
    standing = progress.of(lead, now=lead.clock)
    state = standing.state
    steps = [Step(label=step.label, at=step.at) for step in standing.steps]
    return StatusOut(status=state.key, title=state.title, text=state.text, steps=steps, may_change=standing.may_change)


def _fields(payload: LeadIn) -> dict[str, str]:
    emergency, detail = emergencies.read(payload.emergency_type)
    fields = {"emergency": emergency, "detail": payload.detail or detail}
    return fields | {"phone": payload.phone, "postal_code": payload.postal_code}


def _field(name: str) -> str:
    return "emergency_type" if name == "emergency" else name


def _answer(received: intake.Received) -> LeadOut:
    """Only whoever made the lead learns its link."""
    lead = received.lead
    if not received.is_own:
        return LeadOut(id=lead.pk)
    return LeadOut(id=lead.pk, confirmation_url=confirmation_link(lead), expires_at=lead.token_expires_at)


def _lead_of(token: str) -> Lead:
    try:
        return find(token)
    except UnknownToken:
        if (without_additions := meant(token)) is None:
            raise
        return find(without_additions)


@api.exception_handler(Exception)
def answered_elsewhere(request: HttpRequest, exc: Exception) -> HttpResponse:
    """Ninja's own handler would send the traceback where DEBUG is on, also of a database that is away."""
    raise exc


@api.exception_handler(ValidationError)
def wrong_type(request: HttpRequest, exc: ValidationError) -> HttpResponse:
    errors = {str(error["loc"][-1]): error["type"] for error in exc.errors}
    if "payload" in errors:
        return refusal(400, "Envoyez un objet JSON avec phone, postal_code et emergency_type")
    return refusal(400, errors={name: _sentence(name, kind) for name, kind in errors.items()})


def _sentence(name: str, kind: str) -> str:
    if name == "Idempotency-Key":
        return "Idempotency-Key doit avoir de 1 à 255 signes, sans espace ni accent"
    return f"{name} manque" if kind == "missing" else f"{name} doit être un texte"


@api.exception_handler(HttpError)
def unreadable(request: HttpRequest, exc: HttpError) -> HttpResponse:
    return refusal(400, "Envoyez un objet JSON, en UTF-8, où aucun nom ne figure deux fois")


@api.exception_handler(AuthenticationError)
def unknown_key(request: HttpRequest, exc: AuthenticationError) -> HttpResponse:
    return refusal(401, "Cette clé n'est pas, ou n'est plus, valable", headers={"WWW-Authenticate": "Bearer"})


@api.exception_handler(limits.TooMany)
def too_many(request: HttpRequest, exc: limits.TooMany) -> HttpResponse:
    wait = {"Retry-After": str(exc.retry_after)}
    return refusal(429, f"Trop de demandes en peu de temps : recommencez dans {exc.retry_after} s", headers=wait)


@api.exception_handler(OtherRequest)
def other_request(request: HttpRequest, exc: OtherRequest) -> HttpResponse:
    return refusal(409, "Cette Idempotency-Key a déjà servi à une autre demande")


@api.exception_handler(UnknownToken)
def unknown_token(request: HttpRequest, exc: UnknownToken) -> HttpResponse:
    return refusal(404, "Aucune demande n'a cette adresse")


@api.exception_handler(ExpiredToken)
def expired_token(request: HttpRequest, exc: ExpiredToken) -> HttpResponse:
    return refusal(410, "Cette demande n'a pas été confirmée à temps : faites-en une nouvelle")

"""The request, as a customer types it."""

import re
import time
import unicodedata

from django import forms
from django.conf import settings
from django.core import signing

from leads import phones, places
from leads.emergencies import LONGEST_DETAIL, Emergency, described, read_back
from leads.models import Lead, new_token

LONGEST_ANSWER = 500  # characters of a field that are read, and shown again: more is a mistake, or no customer
_SALT = "leads.forms"
_KEY_LASTS = 24 * 3600  # seconds; of a form that was left open for longer, another is shown with what was typed
# Marks that turn the direction of what stands around them, so that 12 34 would be read as 34 12.
_BIDI = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class LeadForm(forms.Form):
    """Once valid, `wanted` is what intake.receive asks for."""

    emergency = forms.ChoiceField(
        choices=Emergency,
        error_messages={
            "required": "Choisissez ce qui vous arrive",
            "invalid_choice": "Choisissez ce qui vous arrive",
        },
    )
    detail = forms.CharField(required=False)
    postal_code = forms.CharField(required=False)
    phone = forms.CharField(required=False)

    def __init__(self, data: dict[str, str] | None = None, **kwargs: object) -> None:
        if data is not None:
            data = {name: _one_line(data.get(name, "")) for name in self.base_fields}
        super().__init__(data, **kwargs)

    def clean_detail(self) -> str:
        detail = self.cleaned_data["detail"]
        if len(detail) > LONGEST_DETAIL:
            raise forms.ValidationError(
                f"Écrivez {LONGEST_DETAIL} caractères au plus (il y en a {len(detail)}) : le plombier doit tout lire"
            )
        return detail

    def clean_postal_code(self) -> str:
        try:
            code = places.read(self.cleaned_data["postal_code"])
        except places.UnknownPlace as exc:
            raise forms.ValidationError(str(exc)) from exc
        if not places.is_served(code):
            raise forms.ValidationError(f"Désolé, nous n'avons pas de plombier dans le secteur {code}")
        return code

    def clean_phone(self) -> phones.Number:
        try:  # after the postal code, which says in which region the number is typed
            return phones.read(self.cleaned_data["phone"], postal_code=self.cleaned_data.get("postal_code", ""))
        except phones.UnusableNumber as exc:
            raise forms.ValidationError(str(exc)) from exc

    @property
    def wanted(self) -> dict[str, object]:
        emergency = Emergency(self.cleaned_data["emergency"])
        return {
            "phone": self.cleaned_data["phone"],
            "postal_code": self.cleaned_data["postal_code"],
            "emergency_type": described(emergency, self.cleaned_data["detail"]),
        }


class RequestForm(LeadForm):
    """On our page: with a signed key, which says when it was shown, and a field that only robots see."""

    website = forms.CharField(required=False)
    key = forms.CharField(required=False)

    def __init__(self, data: dict[str, str] | None = None, *, key: str = "", **kwargs: object) -> None:
        """`key`: of the lead that this form corrects."""
        super().__init__(data, **kwargs)
        self.signed_key = self.data.get("key") or _signed(key or new_token())
        try:
            self.request_key, self.shown_at = signing.loads(self.signed_key, salt=_SALT, max_age=_KEY_LASTS)
        except signing.BadSignature:  # or no longer good: another one, with which to send it again
            self.request_key, self.shown_at = new_token(), None
            self.signed_key = _signed(self.request_key)

    @classmethod
    def about(cls, lead: Lead, *, key: str) -> "RequestForm":
        """Filled in with what its maker wrote; sent with the lead's own key, it corrects the lead."""
        emergency, detail = read_back(lead.emergency_type)
        typed = {"emergency": emergency, "detail": detail, "postal_code": lead.postal_code}
        return cls(key=key, initial=typed | {"phone": phones.spaced(lead.phone)})

    def clean(self) -> None:
        """What looks like a robot's may be a person's: nothing is lost, and sent once more it is taken."""
        if self.data.get("website") or not self.data.get("key") or self.shown_at is None:
            raise forms.ValidationError("Relisez ce que vous avez écrit, puis envoyez encore une fois")
        if time.time() - self.shown_at < settings.REQUEST_FILL_TIME:
            raise forms.ValidationError("Vous avez été très rapide : relisez, puis envoyez encore une fois")


def _signed(key: str) -> str:
    return signing.dumps([key, time.time()], salt=_SALT)


def _one_line(text: str) -> str:
    """What a person meant: without characters that show nothing, line breaks as spaces."""
    visible = _BIDI.sub("", text[:LONGEST_ANSWER])
    spaced = "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in visible)
    return " ".join(spaced.split())

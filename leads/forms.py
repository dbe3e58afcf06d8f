"""The request, as a customer types it."""

import re
import unicodedata

from django import forms

from leads import phones, places
from leads.emergencies import LONGEST_DETAIL, Emergency, described, read_back
from leads.models import Lead, new_token

LONGEST_ANSWER = 500  # characters of a field that are read, and shown again: more is a mistake, or no customer
_KEY = re.compile(r"[\w-]{20,64}", re.ASCII)
# Marks that turn the direction of what stands around them, so that 12 34 would be read as 34 12.
_BIDI = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class RequestForm(forms.Form):
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
    key = forms.CharField(required=False)

    def __init__(self, data: dict[str, str] | None = None, **kwargs: object) -> None:
        if data is not None:
            data = {name: _one_line(data.get(name, "")) for name in self.base_fields}
        super().__init__(data, **kwargs)

    @classmethod
    def about(cls, lead: Lead, *, key: str) -> "RequestForm":
        """Filled in with what its maker wrote; sent with the lead's own key, it corrects the lead."""
        emergency, detail = read_back(lead.emergency_type)
        typed = {"emergency": emergency, "detail": detail, "postal_code": lead.postal_code}
        return cls(initial=typed | {"phone": phones.spaced(lead.phone), "key": key})

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
    def request_key(self) -> str:
        """The same when this form is sent again, or shown again with its errors."""
        sent = self["key"].value() or ""
        return sent if _KEY.fullmatch(sent) else new_token()

    @property
    def wanted(self) -> dict[str, object]:
        emergency = Emergency(self.cleaned_data["emergency"])
        return {
            "phone": self.cleaned_data["phone"],
            "postal_code": self.cleaned_data["postal_code"],
            "emergency_type": described(emergency, self.cleaned_data["detail"]),
        }


def _one_line(text: str) -> str:
    """What a person meant: without characters that show nothing, line breaks as spaces."""
    visible = _BIDI.sub("", text[:LONGEST_ANSWER])
    spaced = "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in visible)
    return " ".join(spaced.split())

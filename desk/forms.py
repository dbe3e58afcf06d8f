from django import forms

from leads.models import Lead, Plumber
from leads.phones import UnusableNumber, spaced, to_e164


def _dialled(text: str) -> str:
    """In E.164; ValidationError when it cannot be dialled."""
    try:
        return to_e164(text)
    except UnusableNumber as exc:
        raise forms.ValidationError(f"{exc}.") from exc


class LeadForm(forms.ModelForm):
    class Meta:
        model = Lead
        fields = ("phone", "postal_code", "emergency_type")
        help_texts = {"phone": "Dix chiffres : 06 12 34 56 78."}
        widgets = {"emergency_type": forms.TextInput(attrs={"size": 60})}

    def clean_phone(self) -> str:
        """As the old system writes it: ten national digits."""
        phone = self.cleaned_data["phone"]
        if "phone" not in self.changed_data:
            return phone
        _dialled(phone)
        return spaced(phone).replace(" ", "")

    def clean_postal_code(self) -> str:
        code = self.cleaned_data["postal_code"].strip()
        if "postal_code" in self.changed_data and not (code.isdecimal() and len(code) == 5):
            raise forms.ValidationError("Un code postal a cinq chiffres : 75011.")
        return code


class PlumberForm(forms.ModelForm):
    class Meta:
        model = Plumber
        fields = ("phone", "pack_size")
        help_texts = {"phone": "Le numéro de son WhatsApp : 06 12 34 56 78 ou +33612345678."}

    def clean_phone(self) -> str:
        phone = self.cleaned_data["phone"]
        return _dialled(phone) if "phone" in self.changed_data else phone

    def clean_pack_size(self) -> int:
        size = self.cleaned_data["pack_size"]
        if size < (self.instance.leads_received or 0):
            raise forms.ValidationError(
                f"Il a déjà reçu {self.instance.leads_received} demandes : choisissez au moins autant."
            )
        return size

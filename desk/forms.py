from django import forms

from leads import phones, places
from leads.models import Lead, Plumber
from leads.phones import UnusableNumber
from leads.places import UnknownPlace


class LeadForm(forms.ModelForm):
    # Room for what is typed: "00 33 (0)6 12 34 56 78" is longer than what is stored.
    phone = forms.CharField(
        label="Téléphone du client", max_length=40, help_text="En toute écriture : 06 12 34 56 78, +33 6 12 34 56 78."
    )
    postal_code = forms.CharField(label="Code postal", max_length=40)

    class Meta:
        model = Lead
        fields = ("phone", "postal_code", "emergency_type")
        widgets = {"emergency_type": forms.TextInput(attrs={"size": 60})}

    def clean_phone(self) -> str:
        """As the old system writes it: ten national digits."""
        phone = self.cleaned_data["phone"]
        if "phone" not in self.changed_data:
            return phone
        try:
            return phones.read(phone, postal_code=self.data.get("postal_code", "")).national
        except UnusableNumber as exc:
            raise forms.ValidationError(f"{exc}.") from exc

    def clean_postal_code(self) -> str:
        code = self.cleaned_data["postal_code"]
        if "postal_code" not in self.changed_data:
            return code
        try:
            return places.read(code)
        except UnknownPlace as exc:
            raise forms.ValidationError(f"{exc}.") from exc


class PlumberForm(forms.ModelForm):
    phone = forms.CharField(
        label="Téléphone WhatsApp", max_length=40, help_text="En toute écriture : 06 12 34 56 78, +33 6 12 34 56 78."
    )
    zones = forms.CharField(
        label="Zones",
        required=False,
        help_text="Codes postaux, ou leurs débuts, qu'il dessert : 75, 92100. Vide : partout.",
        widget=forms.TextInput({"size": 60}),
    )

    class Meta:
        model = Plumber
        fields = ("name", "phone", "zones", "pack_size")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.initial["zones"] = ", ".join(self.instance.zones)

    def clean_phone(self) -> str:
        phone = self.cleaned_data["phone"]
        if "phone" not in self.changed_data:
            return phone
        try:
            phone = phones.read_whatsapp(phone).e164
        except UnusableNumber as exc:
            raise forms.ValidationError(f"{exc}.") from exc
        if other := Plumber.objects.with_phone(phone).exclude(pk=self.instance.pk).first():
            raise forms.ValidationError(f"{other} a déjà ce numéro : modifiez plutôt sa fiche.")
        return phone

    def clean_zones(self) -> list[str]:
        try:
            return places.read_zones(self.cleaned_data["zones"])
        except UnknownPlace as exc:
            raise forms.ValidationError(f"{exc}.") from exc

    def clean_pack_size(self) -> int:
        size = self.cleaned_data["pack_size"]
        if size < (self.instance.leads_received or 0):
            raise forms.ValidationError(
                f"Il a déjà reçu {self.instance.leads_received} demandes : choisissez au moins autant."
            )
        return size

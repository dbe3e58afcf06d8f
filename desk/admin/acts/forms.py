"""What an operator is asked before something is done."""

import uuid

from django import forms
from django.db.models import BooleanField, ExpressionWrapper, Model
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from leads import places
from leads.models import Plumber
from notifications import attention

REASON = {"label": "Motif", "max_length": 300, "widget": forms.Textarea(attrs={"rows": 3})}
BOOKED = REASON | {"help_text": "Sans nom ni numéro de téléphone : le registre ne s'efface jamais."}


class AskForm(forms.Form):
    """Asks nothing, by itself. `about` is the lead or plumber."""

    logged: tuple[str, ...] = ()  # fields whose values go into the admin's log

    def __init__(self, *args: object, about: Model, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.about = about

    def in_words(self) -> str:
        """The answers, for the log and for whoever gave them."""
        words = [str(self.cleaned_data[name]) for name in self.logged if self.cleaned_data[name]]
        return "".join(f" : {word}" for word in words)


class LeadForm(AskForm):
    """`run` is how the operator saw the lead."""

    run = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["run"].initial = self.about.notification_run


class ReasonForm(LeadForm):
    reason = forms.CharField(**BOOKED)
    logged = ("reason",)


class CallForm(LeadForm):
    words = forms.CharField(**REASON | {"label": "À noter (facultatif)", "required": False})
    logged = ("words",)


class ManyOptions(forms.Select):
    """As Django's, which renders a template for each option."""

    def render(self, name: str, value: object, attrs: dict | None = None, renderer: object = None) -> SafeString:
        chosen = self.format_value(value)
        attributes = flatatt(self.build_attrs(self.attrs, (attrs or {}) | {"name": name}))
        options = ((key, mark_safe(" selected" * (str(key) in chosen)), label) for key, label in self.choices)
        rendered = format_html_join("\n", '<option value="{}"{}>{}</option>', options)
        return format_html("<select{}>{}</select>", attributes, rendered)


class PlumberChoice(forms.ModelChoiceField):
    def label_from_instance(self, plumber: Plumber) -> str:
        zones = ", ".join(plumber.zones) or "partout"
        return f"{plumber} : {plumber.leads_received}/{plumber.pack_size}, {zones}"


class AssignForm(LeadForm):
    """Those who serve the lead's place come first."""

    plumber = PlumberChoice(label="Plombier", queryset=Plumber.objects.eligible(), widget=ManyOptions)
    logged = ("plumber",)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        others = Plumber.objects.eligible().exclude(pk=self.about.plumber_id)
        here = ExpressionWrapper(Plumber.serves(places.prefixes(self.about.postal_code)), BooleanField())
        self.fields["plumber"].queryset = others.annotate(here=here).order_by("-here", "leads_received", "id")


class ReassignForm(AssignForm):
    reason = forms.CharField(**BOOKED)
    logged = ("plumber", "reason")


class CloseForm(ReasonForm):
    """`what` is the key of the reason for which the operator saw the lead under *À traiter*."""

    what = forms.ChoiceField(widget=forms.HiddenInput)
    reason = forms.CharField(**REASON | {"label": "Ce qui a été fait"})

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["what"].choices = [(key, reason.label) for key, reason in attention.REASONS.items()]
        reason = attention.reason_now(self.about.pk)
        self.fields["what"].initial = reason.key if reason else ""


class OnceForm(AskForm):
    """Sent twice, it is booked once: `key` was made with the page."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class RenewForm(OnceForm):
    pack_size = forms.TypedChoiceField(label="Pack acheté", coerce=int)
    reference = forms.CharField(
        label="Référence du paiement",
        max_length=100,
        required=False,
        help_text="Le même paiement n'est jamais enregistré deux fois.",
    )
    logged = ("pack_size", "reference")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pack_size"].choices = Plumber._meta.get_field("pack_size").choices
        self.fields["pack_size"].initial = self.about.pack_size


class CorrectForm(OnceForm):
    places = forms.IntegerField(
        label="Places", min_value=-100, max_value=100, help_text="2 : deux places de plus ; −2 : deux de moins."
    )
    reason = forms.CharField(**BOOKED)
    logged = ("places", "reason")

    def clean_places(self) -> int:
        if self.cleaned_data["places"] == 0:
            raise forms.ValidationError("Zéro place ne corrige rien.")
        return self.cleaned_data["places"]

"""What an operator does to one lead or plumber: a page that asks, and one POST that acts, once, and is logged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, transaction
from django.db.models import Model
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path

from desk.admin.acts.forms import AskForm
from desk.admin.badges import enqueue_after_commit, say
from desk.admin.sturdy import nonsense_is_404
from leads.assignment import NobodyEligible, NotWaiting
from leads.database import cannot_serve
from leads.ledger import NotPossible
from leads.models import Lead
from notifications.interventions import CannotRecord
from notifications.lifecycle import CannotRun

REFUSED = {
    NobodyEligible: "ce plombier n'a plus de place, ou il est en pause",
    NotWaiting: "elle n'attend pas de plombier (pas confirmée, annulée, ou déjà attribuée)",
}


def _no_warning(obj: Model) -> str:
    return ""


@dataclass(frozen=True)
class Act:
    """`do` gets the object, the form's values and the operator as our tables name him; the leads to enqueue.

    It may raise NotPossible, CannotRun, CannotRecord, NotWaiting or NobodyEligible. Texts are French.
    """

    name: str  # in the address
    label: str  # of the button
    done: str  # said afterwards, and kept in the admin's log
    permission: str
    is_possible: Callable[[Any], bool]
    do: Callable[[Any, dict[str, Any], str], list[int]]
    form: type[AskForm] = AskForm
    warning: Callable[[Any], str] = _no_warning  # what to think of before; it is then not done without the page


def may(request: HttpRequest, act: Act) -> bool:
    return request.user.has_perm(act.permission)


def _from_the_desk(request: HttpRequest) -> bool:
    """Whoever acts on the first page goes on there."""
    return "desk" in (request.GET.get("back"), request.POST.get("back"))


class ActsAdmin(ModelAdmin):
    """An admin with buttons for `acts` on the page of each object."""

    acts: tuple[Act, ...] = ()
    change_form_template = "desk/with_acts.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                f"<int:pk>/{act.name}/",
                self.admin_site.admin_view(self._page(act)),
                name=f"{self.opts.model_name}_{act.name}",
            )
            for act in self.acts
        ] + super().get_urls()

    def render_change_form(self, request: HttpRequest, context: dict, *args: Any, **kwargs: Any) -> HttpResponse:
        obj = kwargs.get("obj")
        context["acts"] = [act for act in self.acts if obj and may(request, act) and act.is_possible(obj)]
        return super().render_change_form(request, context, *args, **kwargs)

    def _page(self, act: Act) -> Callable[..., HttpResponse]:
        @nonsense_is_404
        def page(request: HttpRequest, pk: int) -> HttpResponse:
            if not may(request, act):
                raise PermissionDenied
            obj = get_object_or_404(self.model, pk=pk)
            form = act.form(request.POST if request.method == "POST" else None, about=obj)
            warning = act.warning(obj)
            sure = not warning or "sure" in request.POST
            if request.method == "POST" and sure and form.is_valid():
                self._act(request, act, obj, form)
                if _from_the_desk(request):
                    return redirect("admin:index")
                return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", obj.pk)
            return self._ask(request, act, obj, form, warning)

        return page

    def _ask(self, request: HttpRequest, act: Act, obj: Model, form: Form, warning: str) -> HttpResponse:
        context = {"title": f"{act.label} : {obj}", "act": act, "original": obj, "form": form, "warning": warning}
        context |= {"opts": self.opts, "possible": act.is_possible(obj), "back": _from_the_desk(request)}
        context |= {"media": self.media + form.media}
        return render(request, "desk/act.html", self.admin_site.each_context(request) | context)

    def _act(self, request: HttpRequest, act: Act, obj: Model, form: Form) -> None:
        try:
            with transaction.atomic():  # nothing is done that is not in the log
                assigned = act.do(obj, form.cleaned_data, f"admin : {request.user}")
                enqueue_after_commit(assigned)
                self.log_change(request, obj, f"{act.done}{form.in_words()}.")
        except (NotPossible, CannotRun, CannotRecord, NotWaiting, NobodyEligible) as refusal:
            why = REFUSED.get(type(refusal)) or str(refusal)
            self.message_user(request, f"{obj} : rien n'est fait, {why}.", messages.WARNING)
        except OperationalError as error:
            if cannot_serve(error):
                raise
            self.message_user(request, f"{obj} : occupé, recommencez dans un instant.", messages.WARNING)
        else:
            self.message_user(request, f"{obj} : {act.done}{form.in_words()}.", messages.SUCCESS)
            served = len(assigned) - (self.model is Lead and obj.pk in assigned)
            say(request, served, "demande(s) en attente attribuée(s)")

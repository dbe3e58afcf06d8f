"""Two groups for operators. An administrator may change what they may; a migration only ever adds."""

from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.http import HttpRequest

READERS, OPERATORS = "Lecture", "Opérateur"

_LOOK = (
    "leads.view_lead",
    "leads.view_plumber",
    "leads.view_packentry",
    "notifications.view_attempt",
    "notifications.view_intervention",
    "notifications.view_providernews",
)
_ACT = ("leads.add_lead", "leads.change_lead", "leads.add_plumber", "leads.change_plumber", "desk.export_leads")
LOOK_AT_ALERTS = ("notifications.view_breaker", "notifications.view_alert", "notifications.view_alertmessage")
LOOK_AT_LOG = ("admin.view_logentry",)
# Whoever erases a person's data cannot undo it: desk.personal_data is given by name, to nobody by itself.
ROLES = {READERS: _LOOK, OPERATORS: _LOOK + _ACT}


def may_see(request: HttpRequest, model: str = "lead") -> bool:
    """Rows of this model of `leads`; as in Django's admin, whoever may change them may."""
    return any(request.user.has_perm(f"leads.{verb}_{model}") for verb in ("view", "change"))


def grant(apps: Apps, database: str, roles: dict[str, tuple[str, ...]]) -> None:
    """For migrations: let each group (made where it is missing) do this. Permissions are `app.codename`."""
    labels = {name.split(".")[0] for names in roles.values() for name in names}
    _make_permissions(apps, database, labels)
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    for group_name, names in roles.items():
        group, _ = apps.get_model("auth", "Group").objects.using(database).get_or_create(name=group_name)
        for label, codename in (name.split(".") for name in names):
            group.permissions.add(permissions.get(content_type__app_label=label, codename=codename))


def _make_permissions(apps: Apps, database: str, labels: set[str]) -> None:
    """Django makes them after the last migration; here they are needed during one."""
    for label in sorted(labels):
        config = apps.get_app_config(label)
        config.models_module = True  # without it, create_permissions takes a migration's app for empty
        create_permissions(config, apps=apps, using=database, verbosity=0)
        config.models_module = None

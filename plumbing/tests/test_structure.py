"""Who imports whom (the rules of the house, so that each room keeps to its subject)."""

import ast
import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("plumbing", "leads", "notifications", "desk")


@cache
def nodes(path):
    return list(ast.walk(ast.parse(path.read_text())))


def imports(*packages):
    """Each (file, imported module) of the packages; tests and migrations apart."""
    for package in packages or ("leads", "notifications", "desk"):
        for path in (ROOT / package).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if "/tests/" in name or "/migrations/" in name:
                continue
            for node in nodes(path):
                if isinstance(node, ast.ImportFrom) and node.module in ("leads", "notifications", "desk"):
                    yield from ((name, f"{node.module}.{alias.name}") for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    yield name, node.module or ""
                elif isinstance(node, ast.Import):
                    yield from ((name, alias.name) for alias in node.names)


def imported_modules(path):
    """`from a import b` may mean the module a.b."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found = [f"{node.module}.{alias.name}" for alias in node.names if is_module(f"{node.module}.{alias.name}")]
            yield from found or [node.module]


def is_module(name):
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def breaking(rule):
    return sorted({pair for pair in imports() if rule(*pair)})


def test_nothing_imports_the_wiring():
    assert breaking(lambda name, module: module.split(".")[0] in ("plumbing", "dev")) == []


def test_the_product_knows_nothing_of_what_developers_run():
    found = {
        (path.relative_to(ROOT).as_posix(), word)
        for package in PRODUCT
        for path in (ROOT / package).rglob("*.py")
        if "/tests/" not in path.as_posix()
        for node in nodes(path)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for word in ("dev", "faults", "bench")
        if ast.unparse(node).split()[1].split(".")[0] == word
    }

    assert found == set()


def ours(module, *, but):
    return module.split(".")[0] in ("leads", "notifications", "desk") and module not in but


def test_the_database_knows_nothing_of_ours_and_the_models_only_the_database_and_numbers():
    known = ("leads.database", "leads.phones")
    foreign = breaking(lambda name, module: name.startswith("leads/models/") and ours(module, but=known))
    assert breaking(lambda name, module: name == "leads/database.py" and ours(module, but=())) == []
    assert [module for _, module in foreign if not module.startswith("leads.models.")] == []


def test_assignment_knows_the_models_the_places_the_ledger_and_the_database_alone():
    known = ("leads.models", "leads.places", "leads.database", "leads.ledger")
    assert breaking(lambda name, module: name == "leads/assignment.py" and ours(module, but=known)) == []


def test_notifications_know_of_leads_only_models_phones_and_database():
    """The command of the sweeper apart: it also assigns who waits."""
    known = ("leads.models", "leads.phones", "leads.database")
    command = ("notifications/management/commands/sweep_notifications.py", "leads.assignment")
    foreign = breaking(lambda name, module: name.startswith("notifications/") and module.startswith("leads"))
    assert [pair for pair in foreign if pair[1] not in known and pair[1] != "leads" and pair != command] == []


def test_of_notifications_only_the_edges_of_leads_know_how_to_enqueue_and_how_it_stands():
    known = {pair for pair in imports("leads") if pair[1].startswith("notifications")}
    assert known == {
        ("leads/views.py", "notifications.tasks"),
        ("leads/views.py", "notifications.progress"),
        ("leads/api.py", "notifications.progress"),
    }


def test_nobody_knows_the_desk():
    assert breaking(lambda name, module: module.startswith("desk") and not name.startswith("desk/")) == []


def test_providers_know_neither_models_nor_delivery():
    assert (
        breaking(
            lambda name, module: (
                name.startswith("notifications/providers/")
                and module.startswith(("leads", "notifications"))
                and not module.startswith(("notifications.providers", "leads.phones"))
            )
        )
        == []
    )


def test_a_provider_knows_no_other_provider():
    for one, other in (("twilio", "meta"), ("meta", "twilio")):
        room, foreign = f"notifications/providers/{one}/", f"notifications.providers.{other}"
        assert breaking(lambda name, module: name.startswith(room) and module.startswith(foreign)) == []  # noqa: B023


def test_every_provider_has_the_same_files():
    names = ["checks.py", "codes.py", "news.py", "send.py", "webhook.py"]
    for folder in ("twilio", "meta"):
        there = {path.name for path in (ROOT / "notifications/providers" / folder).glob("*.py")}
        assert sorted(there & set(names)) == names


def test_the_product_and_the_sandbox_know_nothing_of_each_other():
    product = PRODUCT
    sandbox = {
        (name, module)
        for name, module in imports("sandbox")
        if module.split(".")[0] in (*product, "dev", "faults", "django")
    }

    assert {pair for pair in imports(*product) if pair[1].split(".")[0] == "sandbox"} == set()
    assert sandbox == set()


def test_no_modules_import_each_other_in_a_circle():
    graph = {}
    for package in (*PRODUCT, "sandbox", "dev", "faults"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "tests" not in parts and "migrations" not in parts:
                graph[".".join(parts).removesuffix(".__init__")] = path
    graph = {name: set(imported_modules(path)) & graph.keys() for name, path in graph.items()}

    assert "sandbox.provider" in graph["sandbox.handler"] and "sandbox.control" in graph["sandbox.handler"]
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError, with the circle


def test_no_import_hides_in_a_function():
    hidden = [
        path.relative_to(ROOT).as_posix()
        for package in (*PRODUCT, "sandbox")
        for path in (ROOT / package).rglob("*.py")
        if "/tests/" not in path.as_posix()
        for function in nodes(path)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert sorted(hidden) == ["leads/apps.py", "notifications/apps.py"]  # AppConfig.ready: Django's own place for it


def test_there_is_one_place_for_every_transition_of_a_notification():
    """`notification_status=` and its kin are written by the assignment once, and by lifecycle.py after that."""
    writers = set()
    for package in ("leads", "notifications", "desk"):
        for path in (ROOT / package).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if "/tests/" in name or "/migrations/" in name:
                continue
            calls = [node for node in nodes(path) if isinstance(node, ast.Call)]
            writing = [call for call in calls if getattr(call.func, "attr", "") in ("update", "save", "create")]
            words = [word.arg or "" for call in writing for word in call.keywords]
            words += [
                node.attr for node in nodes(path) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            ]
            texts = [
                node.value for node in nodes(path) if isinstance(node, ast.Constant) and isinstance(node.value, str)
            ]
            words += [
                word for text in texts if "UPDATE leads\n" in text for word in re.findall(r"notification_\w+", text)
            ]
            if any(word.startswith("notification_") for word in words):
                writers.add(name)

    assert writers == {"leads/assignment.py", "notifications/lifecycle.py"}

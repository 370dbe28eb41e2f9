"""The tables, and which goals are met."""

from collections.abc import Iterator
from typing import Any

NAMES = {
    "bare": "bare Flask (the limit)",
    "vestibule": "Vestibule",
    "vestibule_postgresql": "Vestibule on PostgreSQL",
    "flask_login_peer": "Flask-Login + SQLAlchemy",
    "flask_security_peer": "Flask-Security",
    "django_peer": "Django auth",
}
TITLES = {
    "granian": "GET /profile, signed in, granian, one core",
    "gunicorn": "GET /profile, signed in, gunicorn gthread, one core",
    "postgresql": "GET /profile, signed in, granian, one core, by database",
    "form": "GET /login, granian, one core",
    "free_hash": "POST /login with a free hash, granian, one core",
    "in_process": "GET /profile in-process",
    "form_in_process": "GET /login in-process",
}


def machine_line(about: dict[str, Any]) -> str:
    """Return what the figures depend on."""
    return (f"{about['cores']} cores ({about['cpu']}), Python {about['python']}, SQLite "
            f"{about['sqlite']}, load from {about['load']}")  # fmt: skip


def table(part: str, result: dict[str, Any]) -> str:
    """Return the figures of a part as a table or a list."""
    lines = [f"\n== {part}"]
    for name, figures in result.items():
        if name in TITLES:
            lines += ["", TITLES[name], *rows(figures)]
        elif name not in ("machine", "taken_seconds"):
            lines += [f"{name}: {short(figures)}"]
    return "\n".join(lines)


def rows(figures: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each peer; "x ours" is how many times its figure Vestibule's is."""
    if "microseconds" in figures:
        yield f"{'':28}{'CPU us':>9}{'x ours':>9}"
        for name, value in figures["microseconds"].items():
            yield f"{NAMES[name]:28}{value:9.0f}{figures['times'][name]:9.2f}"
        return
    yield f"{'':28}{'/s':>9}{'x ours':>9}{'CPU ms':>9}{'p50 ms':>9}{'p99 ms':>9}{'spread':>9}"
    for name, each in figures["peers"].items():
        yield (f"{NAMES[name]:28}{each['per_second']:9.0f}{figures['times'].get(name, 1):9.2f}"
               f"{each['cpu_ms']:9.3f}{each['p50_ms']:9.2f}{each['p99_ms']:9.2f}"
               f"{each['spread']:9.0%}")  # fmt: skip


def short(value: Any) -> str:
    """Return a value in a line."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {short(each)}" for key, each in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def goals(results: dict[str, Any]) -> str:
    """Return each goal with its figure and whether it is met."""
    lines = ["", "Goals"]
    for words, figure, goal, more_is_better in measured(results):
        met = figure >= goal if more_is_better else figure <= goal
        sign = ">=" if more_is_better else "<="
        lines.append(f"{'met ' if met else 'MISSED'} {words}: {figure:.2f} ({sign} {goal})")
    return "\n".join(lines)


Goal = tuple[str, float, float, bool]


def measured(results: dict[str, Any]) -> Iterator[Goal]:
    """Yield words, figure, goal and direction of the goals that these results cover."""
    for part, of in (("profile", of_profile), ("login", of_login), ("flood", of_flood),
                     ("scale", of_scale), ("admin", of_admin)):  # fmt: skip
        if part in results:
            yield from of(results[part])


def of_profile(result: dict[str, Any]) -> Iterator[Goal]:
    """Yield goals 1 and 2."""
    granian, gunicorn = result["granian"]["times"], result["gunicorn"]["times"]
    yield "1 /profile of bare Flask on granian", granian["bare"], 0.40, True
    yield "1 /profile of bare Flask on gunicorn", gunicorn["bare"], 0.60, True
    yield "1 /profile, times Flask-Login", granian["flask_login_peer"], 2.2, True
    yield "1 /profile, times Flask-Security", granian["flask_security_peer"], 3.2, True
    yield "1 /profile, times Django", granian["django_peer"], 3.1, True
    yield "2 in-process CPU, times the bare page", result["in_process"]["times"]["bare"], 3.3, False


def of_login(result: dict[str, Any]) -> Iterator[Goal]:
    """Yield the rest of goal 2, and goal 3."""
    yield (
        "2 log-in form, times Flask-Security",
        result["form"]["times"]["flask_security_peer"],
        3.5,
        True,
    )
    yield (
        "3 log-in with a free hash, times the best peer",
        min(result["free_hash"]["times"].values()),
        1.3,
        True,
    )


def of_flood(result: dict[str, Any]) -> Iterator[Goal]:
    """Yield goals 4 and 5."""
    for clients, most in (("8", 4), ("32", 12)):
        yield (
            f"4 p99 beside {clients} clients, times idle",
            result[clients]["p99_factor"],
            most,
            False,
        )
        yield (
            f"4 log-ins of {clients} clients, of the hash alone",
            result[clients]["of_hash_alone"],
            0.65,
            True,
        )
    yield "4 refusals of 32 clients, p99 ms", result["32"]["refused_p99_ms"], 100, False
    yield "4 other answers", result["8"]["other_answers"] + result["32"]["other_answers"], 0, False
    yield "5 start, s", result["start_seconds"], 1.5, False
    yield "5 memory (PSS) of the worker idle, MiB", result["memory_mib"]["idle"]["pss"], 70, False
    yield "5 memory (PSS) after the flood, MiB", result["memory_mib"]["after"]["pss"], 110, False


def of_scale(result: dict[str, Any]) -> Iterator[Goal]:
    """Yield goal 6."""
    yield "6 pages with most rows, of 1,000", result["pages"]["ratio"], 0.90, True
    yield "6 longest log-in beside pruning, ms", result["prune"]["login_max_ms"], 200, False
    yield "6 WAL beside pruning, MB", result["prune"]["wal_mb"], 200, False
    yield (
        "6 dead rows left, other answers",
        result["prune"]["left"] + result["prune"]["other_answers"],
        0,
        False,
    )


def of_admin(result: dict[str, Any]) -> Iterator[Goal]:
    """Yield the goal of the pages of admins."""
    yield "7 slowest page of admins, ms", max(result["pages_ms"].values()), 50, False
    yield "7 slowest search for a part, ms", max(result["searches_ms"].values()), 1000, False
    yield "7 largest page of admins, KB", result["largest_page_bytes"] / 1000, 40, False

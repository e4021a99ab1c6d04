"""What can be known of the containers without a container engine: shape, order, secrets, walls, settings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from concert.settings import Settings

ROOT = Path(__file__).parents[2]
SCHEMA = Path(__file__).parent / "compose-spec" / "schema.json"
VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?P<rule>:?[-?])?(?P<word>[^}]*)\}|\$(?P<bare>\w+)")
SECRET = re.compile(r"PASSWORD|PWD|SECRET|TOKEN|KEY", re.IGNORECASE)
OURS = ("migrate", "api", "worker", "relay")
JOBS = ("temporal-schema", "temporal-namespace", "migrate")


def compose_text() -> str:
    return (ROOT / "docker-compose.yml").read_text()


def example() -> dict[str, str]:
    """The variables that .env.example sets."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))


def explained() -> set[str]:
    """The variables that .env.example sets or shows commented out."""
    return set(re.findall(r"^(?:# )?(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def interpolated(value: Any, given: dict[str, str]) -> Any:
    """As Compose does it; KeyError for a variable that must be there and is not."""

    def replaced(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, rule = match["name"] or match["bare"], match["rule"] or ""
        if given.get(name) or (name in given and not rule.startswith(":")):
            return given[name]
        if rule.endswith("?"):
            raise KeyError(name)
        return str(match["word"]) if rule.endswith("-") else ""

    if isinstance(value, dict):
        return {key: interpolated(item, given) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item, given) for item in value]
    return VARIABLE.sub(replaced, value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def raw() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(compose_text())
    return loaded


@pytest.fixture(scope="module")
def composed(raw: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = interpolated(raw, example())
    return result


@pytest.fixture(scope="module")
def services(composed: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = composed["services"]
    return found


def test_it_is_what_the_compose_specification_says(composed: dict[str, Any]) -> None:
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))
    wrong = [f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(composed)]
    assert wrong == []


# ------------------------------------------------------------ order


def test_everything_waits_for_what_it_needs_and_for_nothing_unknown(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other], f"{name} waits for {other}'s health"
            else:
                assert how["condition"] == "service_completed_successfully"
                assert other in JOBS, f"{name} waits for the end of {other}, which does not end"


def test_the_order_has_no_circle_and_begins_with_postgres(services: dict[str, Any]) -> None:
    waiting = {name: set(service.get("depends_on", {})) for name, service in services.items()}
    order: list[str] = []
    while waiting:
        ready = sorted(name for name, others in waiting.items() if others <= set(order))
        assert ready, f"a circle among {sorted(waiting)}"
        order += ready
        for name in ready:
            del waiting[name]
    assert order[0] == "postgres"


def test_people_can_work_without_temporal(services: dict[str, Any]) -> None:
    seen: set[str] = set()
    ahead = {"api"}
    while ahead:
        name = ahead.pop()
        seen.add(name)
        ahead |= set(services[name].get("depends_on", {})) - seen
    assert not {name for name in seen if name.startswith("temporal")}


def test_what_stays_up_has_a_health_check_and_comes_back(services: dict[str, Any]) -> None:
    for name in services.keys() - set(JOBS):
        assert services[name]["restart"] == "unless-stopped", name
        assert services[name]["healthcheck"]["test"][0] == "CMD", name


# ------------------------------------------------------------ secrets and walls


def values(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every scalar with its path."""
    if isinstance(node, dict):
        for key, item in node.items():
            yield from values(item, (*path, str(key)))
    elif isinstance(node, list):
        for item in node:
            yield from values(item, path)
    else:
        yield path, str(node)


def test_no_secret_has_a_default() -> None:
    for match in VARIABLE.finditer(compose_text()):
        name = match["name"] or match["bare"]
        if name and SECRET.search(name):
            assert match["rule"] == ":?", f"{name} may be left out"
            assert match["word"], f"{name} does not say what it is"


def test_no_secret_is_written_out(raw: dict[str, Any]) -> None:
    for path, value in values(raw["services"]):
        if SECRET.search(path[-1]):
            assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), f"{path} holds {value}"
        for password in re.findall(r"://[^:/@]+:([^@]*)@", value):
            assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", password), f"{path} holds a password"


@pytest.mark.parametrize("missing", [name for name in example() if SECRET.search(name)])
@pytest.mark.parametrize("how", ["left out", "left empty"])
def test_without_a_secret_nothing_starts(raw: dict[str, Any], missing: str, how: str) -> None:
    given = example()
    del given[missing]
    if how == "left empty":
        given[missing] = ""
    with pytest.raises(KeyError, match=missing):
        interpolated(raw, given)


def test_the_example_explains_every_variable_and_no_other() -> None:
    used = {match["name"] or match["bare"] for match in VARIABLE.finditer(compose_text())} - {None}
    assert used == explained()


def test_the_examples_secrets_can_stand_in_a_url_and_ask_to_be_changed() -> None:
    for name, value in example().items():
        if SECRET.search(name):
            assert re.fullmatch(r"change-me[\w-]*", value), name


def test_nothing_is_published_beyond_this_machine(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)] == []


def test_every_container_is_locked_down(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]), f"{name} might run as root"
        assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "devices"}, name


def test_what_is_mounted_exists(composed: dict[str, Any], services: dict[str, Any]) -> None:
    for name, service in services.items():
        for mount in service.get("volumes", []):
            source, _, rest = mount.partition(":")
            if source.startswith("."):
                assert (ROOT / source).is_dir(), f"{name}: {source}"
                assert rest.endswith(":ro"), f"{name} may write {source}"
            else:
                assert source in composed["volumes"], f"{name}: {source}"


def test_images_have_versions(services: dict[str, Any]) -> None:
    for name in services.keys() - set(OURS):
        assert re.search(r":v?\d+\.\d+", services[name]["image"]), name


# ------------------------------------------------------------ ours


def test_every_setting_is_a_setting(services: dict[str, Any]) -> None:
    known = {f"CONCERT_{name.upper()}" for name in Settings.model_fields}
    for name in OURS:
        used = set(services[name]["environment"])
        assert used <= known, f"{name}: {sorted(used - known)}"


def test_each_role_gets_its_own_database_login_and_no_other(services: dict[str, Any]) -> None:
    def logins(name: str) -> set[str]:
        return set(re.findall(r"://(\w+):", " ".join(services[name]["environment"].values())))

    assert logins("api") == {"concert_api"}
    assert logins("worker") == logins("relay") == {"concert_engine"}
    assert logins("migrate") == {"concert_admin", "concert_api", "concert_engine"}


def test_the_roles_are_commands_of_concert(services: dict[str, Any]) -> None:
    program = "from concert.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for name in OURS:
        assert services[name]["command"] == [name]
        assert re.search(rf"\b{name}\b", done.stdout), name


def test_the_image_holds_every_package_and_the_lock() -> None:
    wanted = (ROOT / ".dockerignore").read_text().splitlines()
    packages = re.search(r"^packages = (\[.*\])$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert packages
    for name in [*json.loads(packages[1]), "pyproject.toml", "requirements.lock", "README.md", "deploy"]:
        assert f"!{name}" in wanted, name


def test_the_image_runs_as_the_user_that_compose_names(services: dict[str, Any]) -> None:
    user = re.findall(r"^USER (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert user == ["10001:10001"]
    assert {services[name]["user"] for name in OURS} == set(user)


def test_the_image_loses_development_tools_and_keeps_what_concert_needs() -> None:
    done = subprocess.run([sys.executable, ROOT / "deploy" / "unneeded.py"], capture_output=True, text=True, check=True)
    unneeded = set(done.stdout.split())
    assert {"pytest", "ruff", "mypy", "hypothesis"} <= unneeded
    assert not {"fastapi", "psycopg", "psycopg-binary", "temporalio", "alembic", "mako"} & unneeded


@pytest.mark.parametrize("script", sorted((ROOT / "deploy").rglob("*.sh")), ids=lambda path: path.name)
def test_every_script_is_shell(script: Path) -> None:
    done = subprocess.run(["sh", "-n", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_temporals_dynamic_configuration_is_a_table_of_lists() -> None:
    loaded = yaml.safe_load((ROOT / "deploy" / "temporal" / "dynamicconfig.yaml").read_text())
    assert loaded
    assert all("value" in entry for entries in loaded.values() for entry in entries)

"""The examples of deployments: what they name is there, and what they promise is what image and bot do."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.app import LEFT_WITHIN
from bot.cli import PORT, cli
from bot.metrics import Metrics
from bot.runs.run import State
from bot.set_up.credentials import DATABASE, ENV_FILE, KEY_FILE
from bot.settings import DATABASE_URL, NAMES, PRIVATE_KEY_PATH

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "bot/deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
README = (ROOT / "bot/README.md").read_text(encoding="utf-8")
OPERATING = (ROOT / "bot/OPERATING.md").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
[BOT] = COMPOSE["services"].values()
KUBERNETES: list[dict[str, Any]] = list(
    yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8"))
)
PROBED = {"/healthz", "/readyz"}
INSTALLED = "/opt/automation-bot/bin/automation-bot"


def resource(kind: str) -> dict[str, Any]:
    [found] = [each for each in KUBERNETES if each["kind"] == kind]
    return found


POD: dict[str, Any] = resource("Deployment")["spec"]["template"]["spec"]
CONTAINERS: list[dict[str, Any]] = [*POD["initContainers"], *POD["containers"]]
[SERVING] = POD["containers"]


def routes() -> set[str]:
    """The paths that the bot answers, without what comes in place of their parameters."""
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*.py"))
    return {path.partition("{")[0].rstrip("/") for path in re.findall(r'"(/[a-z][^"\s]*)"', source)}


def typed(words: list[str]) -> None:
    """The bot's command line takes these words."""
    context = click.Context(cli, **cli.context_settings)
    command = cli.get_command(context, words[0])
    assert command is not None
    command.make_context(words[0], words[1:], parent=context)


def test_compose_is_as_its_specification_says() -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    command = [str(program), "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def test_compose_starts_what_the_image_has() -> None:
    assert BOT["entrypoint"] == ["automation-bot"]
    typed(BOT["command"])
    assert "0.0.0.0" in BOT["command"]
    assert BOT["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert f":{PORT}/readyz" in BOT["healthcheck"]["test"][-1]


def test_compose_names_settings() -> None:
    assert set(BOT["environment"]) <= {*NAMES, "BOT_ENV_FILE"}
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    variables = set(re.findall(r"\$\{([A-Z_]+)", text)) | set(
        re.findall(r"^#   ([A-Z_]+)", text, re.MULTILINE)
    )
    assert variables <= {*NAMES, "AUTOMATION_BOT_IMAGE"}


def test_every_compose_command_works_where_nothing_is_exported() -> None:
    values = re.findall(r"\$\{[A-Z_]+(.*?)\}", (DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert values
    assert all(re.fullmatch(r":-.+", value) for value in values)
    assert BOT["env_file"] == ".env"
    assert "/bot/deploy/.env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_compose_keeps_in_the_volume_what_has_to_be_kept() -> None:
    volumes = {place: volume for volume, place in (entry.split(":") for entry in BOT["volumes"])}
    assert sorted(volumes.values()) == sorted(COMPOSE["volumes"])
    [place] = volumes.keys() - {"/tmp"}
    assert re.search(rf"install .*--owner automation .* {place}$", DOCKERFILE, re.MULTILINE)
    assert BOT["environment"]["BOT_ENV_FILE"] == f"{place}/{ENV_FILE}"
    assert BOT["environment"][DATABASE_URL] == f"${{{DATABASE_URL}:-sqlite:///{place}/{DATABASE}}}"
    assert BOT["working_dir"] == place
    assert BOT["read_only"]
    assert "/tmp" in volumes


def test_the_log_of_compose_is_bounded() -> None:
    assert {"max-size", "max-file"} == BOT["logging"]["options"].keys()


def test_compose_is_one_container_that_gets_the_time_to_end() -> None:
    assert "deploy" not in BOT
    assert "scale" not in BOT
    assert float(BOT["stop_grace_period"].removesuffix("s")) > LEFT_WITHIN


def test_kubernetes_has_each_resource_once_and_they_belong_together() -> None:
    kinds = [each["kind"] for each in KUBERNETES]
    assert sorted(kinds) == ["ConfigMap", "Deployment", "Ingress", "PodDisruptionBudget", "Service"]
    labels = resource("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert resource("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert resource("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert resource("Service")["spec"]["selector"] == labels


def test_kubernetes_names_settings() -> None:
    named = {*resource("ConfigMap")["data"]}
    for container in CONTAINERS:
        # The last one prevails.
        assert [*map(list, container["envFrom"])] == [["secretRef"], ["configMapRef"]]
        named |= {variable["name"] for variable in container["env"]}
    assert named <= set(NAMES)


def test_replicas_share_a_database_that_is_no_file() -> None:
    assert resource("Deployment")["spec"]["replicas"] > 1
    for container in CONTAINERS:
        [database] = [each for each in container["env"] if each["name"] == DATABASE_URL]
        assert database["valueFrom"]["secretKeyRef"] == {"name": "automation-bot-database", "key": "url"}
    assert "persistentVolumeClaim" not in str(POD)


def test_the_private_key_is_where_its_path_leads() -> None:
    for container in CONTAINERS:
        [path] = [each["value"] for each in container["env"] if each["name"] == PRIVATE_KEY_PATH]
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert path == f"{mounts['key']}/{KEY_FILE}"
        assert mounts["tmp"] == "/tmp"
    volumes = {volume["name"]: volume for volume in POD["volumes"]}
    assert set(volumes) == {"key", "tmp"}
    # Nobody but the bot's group may read it.
    assert volumes["key"]["secret"]["defaultMode"] == 0o440
    assert POD["securityContext"]["fsGroup"] == POD["securityContext"]["runAsGroup"]


def test_kubernetes_starts_what_the_image_has() -> None:
    for container in CONTAINERS:
        assert container["command"] == ["automation-bot"]
        typed(container["args"])
    assert [container["args"][0] for container in CONTAINERS] == ["migrate", "serve"]
    assert "0.0.0.0" in SERVING["args"]
    [port] = SERVING["ports"]
    assert port["containerPort"] == PORT
    assert resource("Service")["spec"]["ports"][0]["targetPort"] == port["name"]


def test_kubernetes_confines_it_as_the_image_is_made_for() -> None:
    user, group = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)[0]
    context = POD["securityContext"]
    assert context["runAsNonRoot"]
    assert (context["runAsUser"], context["runAsGroup"]) == (int(user), int(group))
    for container in CONTAINERS:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_kubernetes_probes_what_the_bot_answers() -> None:
    probes = {name: SERVING[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {probe["path"] for probe in probes.values()} == PROBED
    assert probes["readiness"]["path"] == "/readyz"
    assert probes["liveness"]["path"] == "/healthz"
    assert routes() >= PROBED


def test_kubernetes_gives_it_the_time_to_end() -> None:
    [_, before] = SERVING["lifecycle"]["preStop"]["exec"]["command"]
    assert POD["terminationGracePeriodSeconds"] > float(before) + LEFT_WITHIN


def open_paths() -> Iterator[str]:
    [rule] = resource("Ingress")["spec"]["rules"]
    for path in rule["http"]["paths"]:
        assert path["backend"]["service"]["name"] == resource("Service")["metadata"]["name"]
        yield path["path"]


def test_only_what_a_proxy_has_to_pass_is_open() -> None:
    [line] = re.findall(r"^- pass (.+);", README.partition("### Behind a proxy")[2], re.MULTILINE)
    passed, inside = line.split(";")[0], README.partition("- pass ")[2].splitlines()[0].partition(";")[2]
    assert set(open_paths()) == set(re.findall(r"`(/[a-z]+)`", passed))
    assert not set(open_paths()) & set(re.findall(r"`(/[a-z]+)`", inside))
    assert {path for path in open_paths() if path not in {"/static", "/api"}} <= routes()


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((DEPLOY / "alerts.yaml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = [rule for group in document["groups"] for rule in group["rules"]]
    return found


def labels() -> dict[str, set[str]]:
    """The labels of each series, by its name."""
    metrics = Metrics()
    metrics.defects.labels("drive").inc()
    metrics.troubled([])
    metrics.states({})
    metrics.remaining({"app": 1})
    families = text_string_to_metric_families(metrics.text().decode())
    return {each.name: set(each.labels) for family in families for each in family.samples}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_a_rule_asks_for_what_there_is(rule: dict[str, Any]) -> None:
    assert {"alert", "expr", "labels", "annotations"} <= rule.keys()
    names = set(re.findall(r"automation_bot_\w+", rule["expr"]))
    if not names:
        assert set(re.findall(r'\bup\{job="([a-z-]+)"\}', rule["expr"])) == {"automation-bot"}
        return
    [name] = names
    asked = re.findall(r"by \((\w+)\)|\{(\w+)=", rule["expr"])
    assert {word for words in asked for word in words if word} <= labels()[name]
    shown = re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))
    assert set(shown) <= set(re.findall(r"by \((\w+)\)", rule["expr"]))
    states = re.findall(r'state="(\w+)"', rule["expr"])
    assert set(states) <= set(State)


def test_every_alert_is_in_the_table() -> None:
    section = OPERATING.partition("### Alerts\n")[2].partition("\n## ")[0]
    said = re.findall(r"^\| `(Bot\w+)` \|", section, re.MULTILINE)
    assert said == [rule["alert"] for rule in rules()]


@pytest.mark.parametrize(
    "file",
    # What an operator has of his own there begins with a dot.
    sorted(file for file in DEPLOY.iterdir() if not file.name.startswith(".")),
    ids=lambda file: str(file.name),
)
def test_every_file_is_linked(file: Path) -> None:
    assert f"](deploy/{file.name})" in README
    assert f"](deploy/{file.name})" in OPERATING


def test_what_somebody_is_told_to_type_can_be_typed() -> None:
    blocks = re.findall(r"^```console\n(.*?)^```$", OPERATING, flags=re.MULTILINE | re.DOTALL)
    lines = [
        shlex.split(line, comments=True)
        for block in blocks
        for line in block.replace("\\\n", " ").splitlines()
    ]
    told = []
    for words in lines:
        if "compose" in words and "run" in words and "--entrypoint" not in words:
            told.append(words[words.index("bot") + 1 :])
        elif INSTALLED in words:
            told.append(words[words.index(INSTALLED) + 1 :])
        elif "automation-bot" in words and (words[1] == "automation-bot" or "exec" in words):
            told.append(words[words.index("automation-bot") + 1 :])
    assert [words[0] for words in told] == ["setup", "check", "check", "migrate", "migrate", "new-key"]
    for words in told:
        typed(words)

"""Find in rendered manifests what a schema lets pass: impossible enums, cron lines, time zones, quantities, names,
references, and anything that the `restricted` Pod Security Standard refuses.

    kubectl kustomize deploy/kubernetes/overlays/daily | python deploy/kubernetes/check.py

Prints a line for each problem; exits with 1 if there is one. Knows the kinds that we ship, and says so of any other.
"""

from __future__ import annotations

import re
import sys
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import yaml

__all__ = ["problems"]

Node = Any

KINDS = {
    "Namespace": "v1",
    "ServiceAccount": "v1",
    "ConfigMap": "v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}
# The fields that take one of a few words, wherever they stand.
WORDS = {
    "action": {"FailJob", "FailIndex", "Ignore", "Count"},
    "completionMode": {"NonIndexed", "Indexed"},
    "concurrencyPolicy": {"Allow", "Forbid", "Replace"},
    "dnsPolicy": {"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"},
    "imagePullPolicy": {"Always", "IfNotPresent", "Never"},
    "medium": {"", "Memory"},
    "operator": {"In", "NotIn"},
    "podReplacementPolicy": {"TerminatingOrFailed", "Failed"},
    "protocol": {"TCP", "UDP", "SCTP"},
    "terminationMessagePolicy": {"File", "FallbackToLogsOnError"},
}
POLICY_TYPES = {"Ingress", "Egress"}
POD_CONDITIONS = {"DisruptionTarget", "ConfigIssue", "PodScheduled", "Ready", "Initialized", "ContainersReady"}
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
QUANTITY = re.compile(r"([+-]?[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]+)?")
FACTORS = {"m": Decimal("0.001")} | {
    letter + suffix: Decimal(base) ** power
    for power, letter in enumerate("kMGTPE", start=1)
    for suffix, base in (("", 1000), ("i", 1024))
}
FACTORS["Ki"] = FACTORS.pop("ki")
VARIABLE = re.compile(r"[-._A-Za-z][-._A-Za-z0-9]*")
CRON_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    ("day of week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
CRON_WORDS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}


def problems(documents: Sequence[Mapping[str, Node]]) -> list[str]:
    """What is wrong with these manifests, a line each; references are looked for among them."""
    return [
        f"{document.get('kind')}/{document.get('metadata', {}).get('name', '')}: {problem}"
        for document in documents
        for problem in _document(document, documents)
    ]


def _document(document: Mapping[str, Node], documents: Sequence[Mapping[str, Node]]) -> Iterator[str]:
    kind = str(document.get("kind"))
    if document.get("apiVersion") != KINDS.get(kind):
        yield f"{document.get('apiVersion')} {kind} is not a kind that is known here"
        return
    yield from _metadata(document.get("metadata", {}), longest=52 if kind == "CronJob" else 63)
    yield from _words(document, "")
    spec = document.get("spec", {})
    if kind == "CronJob":
        yield from _schedule(spec)
        yield from _job(spec["jobTemplate"]["spec"], documents)
    elif kind == "Job":
        yield from _job(spec, documents)
    elif kind == "NetworkPolicy":
        for policy_type in spec.get("policyTypes", ()):
            if policy_type not in POLICY_TYPES:
                yield f"policyTypes: {policy_type!r} is none of {sorted(POLICY_TYPES)}"
    elif kind == "ConfigMap":
        for key, value in document.get("data", {}).items():
            if not VARIABLE.fullmatch(key):
                yield f"data: {key!r} is no name of a variable"
            if not isinstance(value, str):
                yield f"data: {key} is not a text"


def _metadata(metadata: Mapping[str, Node], longest: int) -> Iterator[str]:
    name = metadata.get("name", "")
    if not LABEL.fullmatch(name) or len(name) > longest:
        yield f"metadata.name: {name!r} is not a DNS label of at most {longest} characters"
    for key, value in metadata.get("labels", {}).items():
        prefix, _, last = key.rpartition("/")
        named = LABEL_VALUE.fullmatch(last) and last and len(last) <= 63
        if not named or not all(LABEL.fullmatch(part) for part in prefix.split(".") if prefix):
            yield f"metadata.labels: {key!r} is no key of a label"
        if not isinstance(value, str) or not LABEL_VALUE.fullmatch(value) or len(value) > 63:
            yield f"metadata.labels: {value!r} is no value of a label"


def _words(node: Node, path: str) -> Iterator[str]:
    """Fields that take one of a few words, anywhere below; quantities too."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            here = f"{path}.{key}" if path else str(key)
            if key in ("data", "labels", "annotations"):
                continue
            if key in WORDS and not isinstance(value, (Mapping, list)) and value not in WORDS[key]:
                yield f"{here}: {value!r} is none of {sorted(WORDS[key])}"
            if key in ("requests", "limits") and isinstance(value, Mapping):
                yield from (f"{here}.{resource}: {problem}" for resource, problem in _quantities(value))
            elif key == "sizeLimit" and _amount(value) is None:
                yield f"{here}: {value!r} is no quantity"
            else:
                yield from _words(value, here)
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from _words(item, f"{path}[{index}]")


def _quantities(resources: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    for resource, quantity in resources.items():
        if resource not in ("cpu", "memory", "ephemeral-storage"):
            yield resource, "is no resource that is known here"
        amount = _amount(quantity)
        if amount is None:
            yield resource, f"{quantity!r} is no quantity"
        elif amount <= 0:
            yield resource, f"{quantity!r} is not more than nothing"
        elif resource == "memory" and amount < 16 * 2**20:
            yield resource, f"{quantity!r} is too little to start with: is a unit missing, or 'm' meant as 'Mi'?"


def _amount(quantity: Node) -> Decimal | None:
    match = QUANTITY.fullmatch(str(quantity))
    if match is None or isinstance(quantity, bool):
        return None
    number, unit = match.groups()
    if unit is None:
        return Decimal(number)
    return (
        Decimal(number + unit)
        if unit[0] in "eE" and len(unit) > 1 and unit != "Ei"
        else Decimal(number) * FACTORS[unit]
    )


def _schedule(spec: Mapping[str, Node]) -> Iterator[str]:
    schedule, zone = str(spec.get("schedule", "")), spec.get("timeZone")
    if "TZ=" in schedule:
        yield "spec.schedule: the zone belongs into timeZone"
    elif schedule not in CRON_WORDS:
        yield from (f"spec.schedule: {problem}" for problem in _cron(schedule))
    if zone is None:
        yield "spec.timeZone: missing; the schedule would follow the controller's clock"
    elif zone not in zoneinfo.available_timezones() or zone in ("localtime", "Factory"):
        yield f"spec.timeZone: {zone!r} is no time zone"
    deadline = spec.get("startingDeadlineSeconds")
    if deadline is not None and deadline < 10:
        yield "spec.startingDeadlineSeconds: below 10 the controller, which looks every 10 s, may start nothing"


def _cron(line: str) -> Iterator[str]:
    fields = line.split()
    if len(fields) != len(CRON_FIELDS):
        yield f"{line!r} has {len(fields)} fields, not 5"
        return
    for text, (name, lowest, highest, names) in zip(fields, CRON_FIELDS, strict=True):
        for item in text.split(","):
            problem = _cron_item(item, lowest, highest, names)
            if problem:
                yield f"{name}: {item!r} {problem}"


def _cron_item(item: str, lowest: int, highest: int, names: tuple[str, ...]) -> str:
    span, slash, step = item.partition("/")
    if slash and (not step.isdigit() or int(step) == 0):
        return "has a step that is no number above 0"
    if span in ("*", "?"):
        return ""
    ends = [names.index(end.lower()) + lowest if end.lower() in names else end for end in span.split("-")]
    if len(ends) > 2 or not all(isinstance(end, int) or end.isdigit() for end in ends):
        return "is neither a number, a range nor *"
    numbers = [int(end) for end in ends]
    if not all(lowest <= number <= highest for number in numbers):
        return f"lies outside {lowest} to {highest}"
    return "" if numbers == sorted(numbers) else "ends before it begins"


def _job(spec: Mapping[str, Node], documents: Sequence[Mapping[str, Node]]) -> Iterator[str]:
    template = spec["template"]
    pod = template["spec"]
    yield from _metadata({"name": "template"} | dict(template.get("metadata", {})), longest=63)
    restart = pod.get("restartPolicy")
    if restart not in ("Never", "OnFailure"):
        yield f"restartPolicy: {restart!r}; a Job's pod takes Never or OnFailure"
    for field in ("activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished", "backoffLimitPerIndex"):
        value = spec.get(field, 1)
        if not isinstance(value, int) or isinstance(value, bool) or value < (field == "activeDeadlineSeconds"):
            yield f"{field}: {value!r} is no number of that kind"
    yield from _indexed(spec)
    yield from _failure_policy(spec, pod)
    yield from _pod(pod, documents)


def _indexed(spec: Mapping[str, Node]) -> Iterator[str]:
    indexed = spec.get("completionMode") == "Indexed"
    for field in ("backoffLimitPerIndex", "maxFailedIndexes"):
        if field in spec and not indexed:
            yield f"{field}: only an Indexed Job has indexes"
    if indexed and "completions" not in spec:
        yield "completions: an Indexed Job needs them"
    if "maxFailedIndexes" in spec and spec["maxFailedIndexes"] > spec.get("completions", 0):
        yield "maxFailedIndexes: more than there are completions"
    if "maxFailedIndexes" in spec and "backoffLimitPerIndex" not in spec:
        yield "maxFailedIndexes: needs backoffLimitPerIndex"


def _failure_policy(spec: Mapping[str, Node], pod: Mapping[str, Node]) -> Iterator[str]:
    rules = spec.get("podFailurePolicy", {}).get("rules", [])
    if rules and pod.get("restartPolicy") != "Never":
        yield "podFailurePolicy: needs restartPolicy Never"
    containers = {container["name"] for container in pod.get("containers", [])}
    decided: set[int] = set()
    for index, rule in enumerate(rules):
        where = f"podFailurePolicy.rules[{index}]"
        if ("onExitCodes" in rule) == ("onPodConditions" in rule):
            yield f"{where}: takes either onExitCodes or onPodConditions"
        if rule.get("action") == "FailIndex" and "backoffLimitPerIndex" not in spec:
            yield f"{where}: FailIndex needs backoffLimitPerIndex"
        for condition in rule.get("onPodConditions", []):
            if condition.get("type") not in POD_CONDITIONS:
                yield f"{where}: {condition.get('type')!r} is no condition of a pod"
            if condition.get("status") not in ("True", "False", "Unknown"):
                yield f"{where}: status {condition.get('status')!r} is none of the texts True, False, Unknown"
        codes = rule.get("onExitCodes")
        if codes is None:
            continue
        if codes.get("containerName") not in containers:
            yield f"{where}: there is no container {codes.get('containerName')!r}"
        values = codes.get("values", [])
        if not all(isinstance(value, int) and 0 <= value <= 255 for value in values) or not values:
            yield f"{where}: exit codes are numbers from 0 to 255"
        elif values != sorted(set(values)):
            yield f"{where}: exit codes stand in order, each once"
        elif codes.get("operator") == "In" and 0 in values:
            yield f"{where}: 0 is no failure"
        if decided & set(values):
            yield f"{where}: {sorted(decided & set(values))} were decided by a rule before"
        decided |= set(values)


def _pod(pod: Mapping[str, Node], documents: Sequence[Mapping[str, Node]]) -> Iterator[str]:
    names = {(document["kind"], document["metadata"]["name"]) for document in documents}
    account = pod.get("serviceAccountName", "default")
    if ("ServiceAccount", account) not in names:
        yield f"serviceAccountName: {account!r} is not among these manifests"
    grace = pod.get("terminationGracePeriodSeconds", 30)
    if not isinstance(grace, int) or grace < 15:
        yield f"terminationGracePeriodSeconds: {grace!r}; the job may need ten seconds to save"
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True:
        yield "securityContext.runAsNonRoot: must be true"
    if not isinstance(security.get("runAsUser"), int) or security["runAsUser"] == 0:
        yield "securityContext.runAsUser: must be a number above 0"
    if security.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "securityContext.seccompProfile.type: must be RuntimeDefault or Localhost"
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield f"{field}: must not be set"
    volumes = {volume["name"] for volume in pod.get("volumes", [])}
    for volume in pod.get("volumes", []):
        if "hostPath" in volume:
            yield f"volumes.{volume['name']}: hostPath is refused by the restricted standard"
    for container in pod.get("containers", []):
        yield from (f"containers.{container['name']}: {problem}" for problem in _container(container, names, volumes))


def _container(container: Mapping[str, Node], names: set[tuple[str, str]], volumes: set[str]) -> Iterator[str]:
    if not LABEL.fullmatch(container["name"]) or len(container["name"]) > 63:
        yield "the name is not a DNS label"
    image = container.get("image", "")
    tag = image.rpartition("/")[2].partition(":")[2]
    if "@sha256:" not in image and tag in ("", "latest"):
        yield f"image: {image!r} names no version"
    security = container.get("securityContext", {})
    if security.get("allowPrivilegeEscalation") is not False:
        yield "securityContext.allowPrivilegeEscalation: must be false"
    if security.get("readOnlyRootFilesystem") is not True:
        yield "securityContext.readOnlyRootFilesystem: must be true"
    if security.get("privileged"):
        yield "securityContext.privileged: must not be set"
    capabilities = security.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
        yield "securityContext.capabilities: must drop ALL and add none"
    resources = container.get("resources", {})
    for resource, limit in resources.get("limits", {}).items():
        request, most = _amount(resources.get("requests", {}).get(resource, limit)), _amount(limit)
        if request is not None and most is not None and request > most:
            yield f"resources: {resource} requests more than its limit"
    if "memory" not in resources.get("limits", {}):
        yield "resources.limits.memory: missing"
    for variable in container.get("env", []):
        if not VARIABLE.fullmatch(variable.get("name", "")):
            yield f"env: {variable.get('name')!r} is no name of a variable"
        if not isinstance(variable.get("value", ""), str):
            yield f"env: {variable['name']} is not a text"
    for source in container.get("envFrom", []):
        for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            reference = source.get(key)
            if reference and not reference.get("optional") and (kind, reference["name"]) not in names:
                yield f"envFrom: {kind} {reference['name']!r} is not among these manifests"
    for mount in container.get("volumeMounts", []):
        if mount["name"] not in volumes:
            yield f"volumeMounts: there is no volume {mount['name']!r}"
    path = container.get("terminationMessagePath", "/dev/termination-log")
    if not path.startswith("/"):
        yield f"terminationMessagePath: {path!r} is not absolute"


def main() -> int:
    """The command line: manifests on standard input."""
    found = problems([document for document in yaml.safe_load_all(sys.stdin) if document])
    for problem in found:
        sys.stdout.write(f"{problem}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

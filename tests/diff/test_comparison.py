"""`modelservice diff`: how a change of values affects the objects and the pods, and what cannot be changed in place."""

from pathlib import Path

import pytest
import yaml

from tests.repositories import git, modelservice

PLAIN = "model: {name: Qwen/Qwen3-8B}\n"
SHARED = f"{PLAIN}replicas: 2\nmodelVolume: {{accessModes: [ReadWriteMany]}}\n"
SURGING = f"{SHARED}strategy: {{rollingUpdate: {{maxSurge: 1}}}}\n"
SET = "workload: {kind: StatefulSet}\n"
STATEFUL = f"{PLAIN}{SET}"
SPREAD = f"{SHARED}topologySpreadConstraints: [{{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}}]\n"
ROLLING = f"{SHARED}strategy: {{type: RollingUpdate}}\n"
FOUR = (
    f"{SHARED.replace('replicas: 2', 'replicas: 4')}strategy: {{rollingUpdate: {{maxSurge: 0, maxUnavailable: 4}}}}\n"
)
HELD = f"{STATEFUL}replicas: 3\nstrategy: {{rollingUpdate: {{partition: 3}}}}\n"
SCALED = f"{SHARED}autoscaling: {{kind: ScaledObject, prometheusAddress: 'http://prometheus:9090'}}\n"
LATER = "startupSeconds: 900\n"
BALANCED = f"{PLAIN}service: {{type: LoadBalancer}}\n"


@pytest.fixture
def helm(newest_helm: str) -> str:
    """Return the newest helm: the comparison is the same with every helm (test_with_each_helm.py)."""
    return newest_helm


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def diff(helm: str, old: str, new: str) -> tuple[int, str]:
    Path("old.yaml").write_text(old)
    Path("chat.yaml").write_text(new)
    answer = modelservice(helm, "diff", "old.yaml", "chat.yaml")
    return answer.returncode, answer.stdout


def committed(**files: str) -> None:
    """Make a repository with a service, or other files, at HEAD."""
    Path("services").mkdir()
    for name, text in files.items():
        Path(f"services/{name}.yaml").write_text(text)
    git("init")
    git("add", ".")
    git("commit", "-m", "first")


def test_nothing_differs(helm: str) -> None:
    assert diff(helm, PLAIN, f"# a comment\n{PLAIN}replicas: 1\n") == (0, "")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (SHARED, f"{SHARED}startupSeconds: 900\n", "every pod restarts, one at a time"),
        (PLAIN, f"{PLAIN}description: for the team\n", "no pod restarts"),
        (SHARED, SHARED.replace("2", "3", 1), "from 2 to 3 pods"),
        (PLAIN, f"{PLAIN}replicas: 0\n", "from 1 to 0 pods: the service is stopped"),
        (PLAIN, f"{PLAIN}modelVolume: {{size: 40Gi}}\n", "the volume grows"),
        (PLAIN, f"{PLAIN}modelVolume: {{size: 18Gi}}\n", "Kubernetes refuses to shrink a volume"),
        (PLAIN, f"{PLAIN}modelVolume: {{storageClassName: a}}\n", "spec.storageClassName cannot be changed in place"),
        (STATEFUL, f"{STATEFUL}modelVolume: {{size: 40Gi}}\n", "delete the StatefulSet with --cascade=orphan"),
        (PLAIN, f"{PLAIN}modelVolume: {{existingClaim: models}}\n", "the old claim and its data are kept"),
        (PLAIN, STATEFUL, "the old pods stop"),
        (BALANCED, BALANCED.replace("{t", "{loadBalancerClass: a/b, t"), "spec.loadBalancerClass cannot be changed"),
        (PLAIN, f"{PLAIN}service: {{port: 80}}\n", "the service's port changes from 8000 to 80"),
        (SURGING, f"{SURGING}startupSeconds: 900\n", "which needs a free GPU"),
        (ROLLING, f"{ROLLING}{LATER}", "a new one starts first, which needs a free GPU"),
        (FOUR, f"{FOUR}{LATER}", "every pod restarts, all at once"),
        (
            FOUR.replace("maxUnavailable: 4", "maxUnavailable: 50%"),
            f"{FOUR}{LATER}".replace("e: 4}", "e: 50%}"),
            "up to 2",
        ),
        (HELD, f"{HELD}{LATER}", "no pod restarts: the partition excludes all of them"),
        (HELD.replace("n: 3", "n: 1"), f"{HELD}{LATER}".replace("n: 3", "n: 1"), "the pods from number 1 on restart"),
        (f"{PLAIN}replicas: 0\n", f"{PLAIN}replicas: 1\n{LATER}", "no pod ran, so none restarts"),
        (f"{PLAIN}replicas: 0\n", f"{PLAIN}replicas: 1\n", "from 0 to 1 pods: the service starts"),
        (SHARED, SCALED, "from 2 to 1 pod until the autoscaler's first check"),
        (SCALED, SHARED, "from an autoscaler's number to 2 pods"),
        (PLAIN, f"{PLAIN}modelVolume: {{retain: false}}\n", "no longer kept"),
        (STATEFUL, f"{STATEFUL}modelVolume: {{retain: false}}\n", "no longer kept"),
        (PLAIN, STATEFUL, "the new volume is empty"),
        (PLAIN, f"{PLAIN}nameOverride: llm\n", "the new pods start while the old ones still run"),
        (PLAIN, f"{PLAIN}nameOverride: llm\n", "the service's address changes from modelservice-chat to llm-chat"),
    ],
)
def test_the_effect_of_a_change_is_printed(old: str, new: str, says: str, helm: str) -> None:
    code, said = diff(helm, old, new)
    assert (code, says in said) == (1, True), said


CPU = "model: {name: Qwen/Qwen3-8B}\nimage: {repository: vllm/vllm-openai-cpu}\ngpu: {count: 0}\n"
ROLLED = f"{CPU}replicas: 2\nmodelVolume: {{accessModes: [ReadWriteMany]}}\n"
ONE_MORE = "strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}\n"
TWO_MORE = ONE_MORE.replace("maxSurge: 1", "maxSurge: 2")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (PLAIN, f"{PLAIN}nameOverride: llm\n", "while the old ones still run, and wait if no GPU is free"),
        (CPU, f"{CPU}nameOverride: llm\n", "the new pods start while the old ones still run\n"),
        (f"{ROLLED}{ONE_MORE}", f"{ROLLED}{ONE_MORE}{LATER}", "every pod restarts: a new one starts first\n"),
        (f"{ROLLED}{ONE_MORE}", f"{ROLLED}{TWO_MORE}{LATER}", "up to 2 new ones start first\n"),
    ],
)
def test_a_free_gpu_is_mentioned_only_if_pods_need_one(old: str, new: str, says: str, helm: str) -> None:
    code, said = diff(helm, old, new)
    assert (code, says in said) == (1, True), said


def test_the_load_balancer_class_changes_with_the_type(helm: str) -> None:
    classed = BALANCED.replace("{t", "{loadBalancerClass: a/b, t")
    for old, new in ((PLAIN, classed), (classed, PLAIN)):
        assert "cannot be changed" not in diff(helm, old, new)[1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("resources: {requests: {cpu: '4'}}", "resources: {requests: {cpu: 4000m}}"),
        ("modelVolume: {size: 1024Gi}", "modelVolume: {size: 1Ti}"),
        ("sharedMemory: {sizeLimit: 1Gi}", "sharedMemory: {sizeLimit: 1024Mi}"),
        (f"{SET}modelVolume: {{size: 1024Gi}}", f"{SET}modelVolume: {{size: 1Ti}}"),
    ],
)  # fmt: skip
def test_equal_quantities_are_the_same(old: str, new: str, helm: str) -> None:
    assert diff(helm, f"{PLAIN}{old}\n", f"{PLAIN}{new}\n") == (0, "")


def test_text_that_looks_like_a_quantity_stays_text(helm: str) -> None:
    old, new = (f"{PLAIN}env: [{{name: LIMIT, value: '{value}'}}]\n" for value in ("1000m", "1"))
    assert diff(helm, old, new)[0] == 1


def test_the_order_of_variables_is_shown(helm: str) -> None:
    one, other = "{name: A, value: a}", "{name: B, value: b$(A)}"
    code, said = diff(helm, f"{PLAIN}env: [{one}, {other}]\n", f"{PLAIN}env: [{other}, {one}]\n")
    assert code == 1
    assert "    spec.template.spec.containers[server].env (order)\n" in said


@pytest.mark.parametrize(
    ("old", "new", "shows"),
    [
        (
            STATEFUL,
            f"{STATEFUL}modelVolume: {{size: 40Gi}}\n",
            "spec.volumeClaimTemplates[model-dir].spec.resources.requests.storage\n      - 20Gi\n      + 40Gi",
        ),
        (
            SPREAD,
            SPREAD.replace("maxSkew: 1", "maxSkew: 2"),
            "topologySpreadConstraints[0].maxSkew\n      - 1\n      + 2",
        ),
        (
            PLAIN,
            f"{PLAIN}initContainers: [{{name: first, image: 'busybox:1.37', resources: {{limits: {{cpu: 1}}}}}}]\n",
            "initContainers\n      + - image: busybox:1.37\n      +   name: first\n      +   resources:\n",
        ),
    ],
    ids=["claims", "spread", "init"],
)
def test_a_field_deep_in_a_list_is_found(old: str, new: str, shows: str, helm: str) -> None:
    said = diff(helm, old, new)[1]
    assert "{" not in said
    assert shows in said, said


def test_added_and_removed_objects_are_listed(helm: str) -> None:
    said = diff(helm, PLAIN, SHARED)[1]
    assert "+ PodDisruptionBudget modelservice-chat\n" in said
    assert "- PodDisruptionBudget modelservice-chat\n" in diff(helm, SHARED, PLAIN)[1]


def test_a_git_revision_is_compared_with_the_working_tree(helm: str) -> None:
    committed(chat=PLAIN)
    Path("services/chat.yaml").write_text(f"{PLAIN}gpu: {{count: 2}}\n")
    answer = modelservice(helm, "diff", "HEAD:services/chat.yaml", "services/chat.yaml")
    assert answer.returncode == 1
    assert "      + --tensor-parallel-size=2" in answer.stdout


def test_a_layer_is_read_from_the_same_git_revision(helm: str) -> None:
    committed(chat=PLAIN, defaults="args: [--seed=1]\n")
    Path("services/defaults.yaml").write_text("args: [--seed=2]\n")
    Path("services/more.yaml").write_text("startupSeconds: 900\n")
    sides = ["HEAD:services/chat.yaml", "services/chat.yaml"]
    answer = modelservice(helm, "diff", *sides, "-f", "services/defaults.yaml")
    assert answer.returncode == 1
    assert "      - --seed=1\n      + --seed=2\n" in answer.stdout
    # A new layer is a difference; a layer that exists on neither side is a mistake.
    assert "failureThreshold" in modelservice(helm, "diff", *sides, "-f", "services/more.yaml").stdout
    answer = modelservice(helm, "diff", sides[0], sides[0], "-f", "services/nothing.yaml")
    assert (answer.returncode, "services/nothing.yaml: neither side has this layer" in answer.stderr) == (2, True)


def test_a_revision_is_read_from_below_the_repositorys_root(helm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    committed(chat=PLAIN, defaults="args: [--seed=1]\n")
    Path("services/defaults.yaml").write_text("args: [--seed=2]\n")
    Path("services/prod").mkdir()
    monkeypatch.chdir("services/prod")
    answer = modelservice(helm, "diff", "HEAD:../chat.yaml", "../chat.yaml", "-f", "../defaults.yaml")
    assert "      - --seed=1\n      + --seed=2\n" in answer.stdout, answer.stderr


def test_a_file_that_the_revision_lacks_is_shown_as_added(helm: str) -> None:
    committed(other=PLAIN)
    Path("services/chat.yaml").write_text(PLAIN)
    answer = modelservice(helm, "diff", "HEAD:services/chat.yaml", "services/chat.yaml")
    assert answer.returncode == 1
    assert "+ Deployment modelservice-chat\n" in answer.stdout
    assert "HEAD:services/chat.yaml does not exist: everything is new" in answer.stderr


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("nothing.yaml", "services/chat.yaml", "does not exist"),
        ("no-branch:services/chat.yaml", "services/chat.yaml", "Git has no revision no-branch"),
        ("--output=x:services/chat.yaml", "services/chat.yaml", "does not exist"),
        ("HEAD:nothing.yaml", "HEAD:nothing.yaml", "neither HEAD:nothing.yaml nor"),
        ("services/chat.yaml", "HEAD:services/bad.yaml", "HEAD:services/bad.yaml:1:9: error: model.nmae: unknown key"),
        ("services/chat.yaml", "services/日本.yaml", "is not a valid release name"),
        ("HEAD:services", "services/chat.yaml", "HEAD:services has no Chart.yaml, so it is not a chart"),
    ],
)
def test_inputs_that_cannot_be_compared_have_exit_code_2(old: str, new: str, says: str, helm: str) -> None:
    committed(chat=PLAIN, bad="model: {nmae: a}\n")
    answer = modelservice(helm, "diff", "--", old, new)
    assert (answer.returncode, answer.stderr.startswith("error: "), says in answer.stderr) == (2, True, True), (
        answer.stderr
    )
    assert not Path("x").exists()


def test_values_with_errors_can_be_repaired(helm: str) -> None:
    committed(chat="model: {nmae: a}\n")
    Path("services/chat.yaml").write_text(PLAIN)
    answer = modelservice(helm, "diff", "HEAD", "services/chat.yaml")
    assert (answer.returncode, "+ Deployment modelservice-chat\n" in answer.stdout) == (1, True), answer.stderr
    assert "HEAD:services/chat.yaml:1:9: error: model.nmae: unknown key" in answer.stderr
    assert answer.stderr.endswith("There is nothing to compare with, so everything is listed as new\n")


def test_a_chart_is_compared_with_the_values_it_was_made_of(helm: str) -> None:
    Path("chat.yaml").write_text(PLAIN)
    for command in (["render", "chat.yaml", "-o", "chart"], ["package", "chat.yaml", "-d", "dist", "--name", "chat"]):
        assert modelservice(helm, *command).returncode == 0
    for side in ("chart", "dist/chat-0.1.0.tgz"):
        answer = modelservice(helm, "diff", side, "chat.yaml")
        assert (answer.returncode, answer.stdout) == (0, ""), answer.stdout + answer.stderr


def test_an_archive_is_compared_as_the_release_that_it_installs(helm: str) -> None:
    Path("chat.yaml").write_text(PLAIN)
    assert modelservice(helm, "package", "chat.yaml", "-d", "dist", "--version", "1.2.3-rc.1").returncode == 0
    Path("chat.yaml").write_text(f"{PLAIN}startupSeconds: 900\n")
    answer = modelservice(helm, "diff", "chat.yaml", "dist/chat-1.2.3-rc.1.tgz")
    assert (answer.returncode, answer.stdout.splitlines()[0]) == (1, "~ Deployment modelservice-chat")


def test_wrong_values_are_reported_as_findings(helm: str) -> None:
    Path("old.yaml").write_text(PLAIN)
    Path("chat.yaml").write_text("model: {nmae: a}\n")
    answer = modelservice(helm, "diff", "old.yaml", "chat.yaml")
    assert answer.returncode == 2
    assert "chat.yaml:1:9: error: model.nmae: unknown key; did you mean name? [unknown-key]" in answer.stderr


def test_empty_labels_and_a_claim_without_a_size_are_compared(helm: str) -> None:
    text = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  labels: {{ "" }}\n  annotations: {{ "" }}\n'
    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: x}}\nspec: {{accessModes: [{}]}}\n"

    def values(mode: str) -> str:
        return PLAIN + yaml.safe_dump({"extraObjects": [text, claim.format(mode)]})

    assert diff(helm, values("ReadWriteMany"), values("ReadWriteMany")) == (0, "")
    assert "cannot be changed in place" in diff(helm, values("ReadWriteMany"), values("ReadWriteOnce"))[1]


def test_objects_of_one_name_in_two_namespaces_are_two(helm: str) -> None:
    def values(said: str) -> str:
        item = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"said": said}}
        items = [{**item, "metadata": {"name": "x", "namespace": "n1"}}]
        items.append({**item, "data": {}, "metadata": {"name": "x", "namespace": "n2"}})
        return PLAIN + yaml.safe_dump({"extraObjects": items})

    code, said = diff(helm, values("a"), values("b"))
    assert (code, said.count("~ ConfigMap x")) == (1, 1)


@pytest.mark.parametrize("target", ["/etc/hostname", "chat.yaml"])
def test_a_symbolic_link_in_a_revision_is_reported_in_one_sentence(target: str, helm: str) -> None:
    committed(chat=PLAIN)
    Path("services/link.yaml").symlink_to(target)
    git("add", ".")
    git("commit", "-m", "link")
    answer = modelservice(helm, "diff", "HEAD:services/link.yaml", "services/chat.yaml")
    assert (answer.returncode, "symbolic link: name the file that it points to" in answer.stderr) == (2, True)


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"


def test_the_values_of_a_secret_are_not_shown(helm: str) -> None:
    def values(said: str) -> str:
        # In plain text it would be refused; the result of a template is known only to helm.
        text = SECRET + "stringData: {password: {{ .Values.global.word }}}\n"
        return PLAIN + yaml.safe_dump({"extraObjects": [text], "global": {"word": said}})

    code, said = diff(helm, values("hunter-two"), values("hunter-three"))
    assert (code, "stringData.password" in said, "hunter" in said) == (1, True, False)


def test_helm_messages_do_not_quote_a_template(helm: str) -> None:
    text = SECRET + "stringData: {password: {{ print `hunter-two` }}, x: {{ if }}}\n"
    Path("bad.yaml").write_text(PLAIN + yaml.safe_dump({"extraObjects": [text]}))
    answer = modelservice(helm, "template", "bad.yaml")
    assert (answer.returncode, "(not shown)" in answer.stderr, "hunter" in answer.stderr) == (1, True, False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{kind: Job, metadata: {generateName: load-}, spec: {template: A}}", "template"),
        ("{kind: ConfigMap, metadata: {name: a}, data: {since: 2001-01-A}}", "since"),
        ("{kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: A}}]}", "x"),
        ("{kind: ConfigMap, metadata: {name: a}, data: {x: =, y: 'A'}}", "y"),
    ],
)
def test_user_objects_of_any_kind_are_compared(text: str, shown: str, helm: str) -> None:
    text = text.replace("{kind", "{apiVersion: v1, kind", 1)
    old, new = (f"{PLAIN}extraObjects:\n  - |\n    {text.replace('A', one)}\n" for one in ("01", "02"))
    code, said = diff(helm, old, new)
    assert (code, shown in said) == (1, True), said
    assert diff(helm, old, old)[0] == 0

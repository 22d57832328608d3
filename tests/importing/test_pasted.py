"""Lines after other programs, in systemd units and in Markdown: the server is found, and losses are listed."""

import pytest
from modelservice.errors import InputError
from modelservice.importing.container_to_values import part_of_container
from modelservice.importing.docker_line import read_line
from modelservice.importing.launch import read_launch
from modelservice.importing.part import Part

DOCKER = "docker run --gpus all vllm/vllm-openai:v0.33.0 --model a/b"
SERVE = "vllm serve a/b --seed 1"
UNIT = """[Unit]
After=docker.service
[Service]
Environment="MODEL=a/b" HF_TOKEN=hf_abcdefghijkl
EnvironmentFile=-/etc/vllm.env
ExecStartPre=-/usr/bin/docker stop llm
ExecStart=/usr/bin/docker run --rm --name llm \\
    -e HF_TOKEN vllm/vllm-openai:v0.33.0 --model $MODEL
ExecStop=/usr/bin/docker stop llm
"""


def imported(text: str) -> Part:
    if "docker" in text.replace("docker exec", ""):
        return part_of_container(read_line(text))
    return part_of_container(read_launch(text, ""))


@pytest.mark.parametrize(
    ("text", "notes", "remarks"),
    [
        # Redirections and pipes, and other commands around the server.
        (f"{DOCKER} 2>&1 | tee log", ["| tee"], []),
        (f"nohup {DOCKER} > vllm.log 2>&1 &", ["> vllm.log"], ["nohup"]),
        (f"{SERVE} >/dev/null 2>&1 &", [], []),
        (f"{SERVE} &>> log", ["&>> log"], []),
        (f"{DOCKER} || echo failed", ["|| echo"], []),
        (f"docker pull x && {DOCKER} && python test.py", ["&& python"], []),
        (f"{SERVE} &\nsleep 60\ncurl localhost:8000/v1/models | jq .", [], []),
        (f"docker -c gpu run{DOCKER.removeprefix('docker run')}; python test.py | tee out", ["python"], []),
        (f"sg docker -c '{DOCKER}'", [], ["sg"]),
        (f"set -e; cd /x; python prepare.py --token hunter2 && {SERVE}", ["python"], []),
        (f"{SERVE} & vllm serve c/d &", ["vllm"], []),
        (f"if [ -e /x ]; then {SERVE}; fi", ["then"], []),
        # Lines of notebooks, Python's prompt, Dockerfiles and logs.
        (f"!{SERVE}", [], []),
        (f">>> {SERVE}", [], []),
        ('CMD ["vllm", "serve", "a/b", "--seed", "1"]', [], []),
        (f"{SERVE}\nINFO 05-20 12:00:01 api.py:7] it's\n(APIServer pid=7) INFO 05-20 x\nINFO:     Started", [], []),
        # Other programs in front.
        (f"ssh -p 2222 -i ~/.ssh/id root@gpu {DOCKER}", [], ["ssh"]),
        (f"ssh gpu '{DOCKER}'", [], ["ssh"]),
        (f"ssh gpu 'cd /x && {SERVE}'", [], ["ssh"]),
        (f"sudo -E {DOCKER}", [], ["sudo"]),
        (f"sudo -E -u vllm {SERVE}", [], ["sudo"]),
        (f"uv run --with vllm -- {SERVE}", [], ["uv"]),
        (f"conda run -n vllm {SERVE}", [], ["conda"]),
        (f"screen -dmS vllm {SERVE}", [], ["screen"]),
        (f"tmux new-session -d -s vllm '{SERVE}'", [], ["tmux"]),
        (f'tmux send-keys -t vllm "{SERVE}" Enter', [], ["tmux"]),
        (f"sudo numactl --cpunodebind=0 {SERVE}", ["numactl"], []),
        (f"srun --gres=gpu:1 bash -c '{SERVE}'", ["srun"], []),
        (f"docker exec -it vllm {SERVE}", ["docker"], []),
        (f"/home/me/.venv/bin/{SERVE}", [], []),
        (f"docker --context gpu container run{DOCKER.removeprefix('docker run')}", [], []),
        # Other ways to write a line.
        (f"```bash\n$ {SERVE}\n```\nThat's all.", [], []),
        (f"Don't forget:\n\n~~~console\n(venv) me@gpu:~$ {SERVE}\n~~~", [], []),
        (f"`{SERVE}`", [], []),
        ("PS C:\\Users\\me> vllm serve a/b `\n>>   --seed 1", [], []),
        ("C:\\Users\\me>vllm serve a/b ^\n  --seed 1", [], []),
        ("[root@gpu ~]# vllm serve a/b --seed 1 # don't stop it", [], []),
        ("\ufeffvllm\u00a0serve a/b\u200b --seed\u202f1", [], []),
        (UNIT, ["EnvironmentFile /etc/vllm.env"], ["the unit"]),
        (f"ExecStart=/opt/venv/bin/{SERVE}", [], ["the unit"]),
    ],
)
def test_the_server_is_found_and_everything_else_is_listed(text: str, notes: list[str], remarks: list[str]) -> None:
    part = imported(text)
    assert part.settings["model.name"] == "a/b"
    assert part.settings.get("args", ["--seed=1"]) == ["--seed=1"]
    assert "command" not in part.settings
    assert [note.written for note in part.notes] == notes
    assert [note.written for note in part.remarks] == remarks


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("torchrun --nproc-per-node 2 serve.py --model a/b", "--tensor-parallel-size"),
        ("docker compose run --rm vllm", "-f compose.yaml"),
        ("docker-compose up", "-f compose.yaml"),
        ("kubectl run vllm --image=vllm/vllm-openai -- --model a/b", "--dry-run=client"),
        ("kubectl exec -it pod -- bash", "kubectl get"),
        (DOCKER.replace("docker", "sudo podman"), "import docker"),
        ("apiVersion: v1\nkind: Pod", "import kubernetes"),
        ("helm install x y/z", "helm template"),
    ],
)
def test_a_line_without_vllm_gets_a_hint_what_to_import(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_launch(text, "")


def test_a_vllm_line_for_docker_import_names_the_right_command() -> None:
    with pytest.raises(InputError, match="import vllm"):
        read_line(SERVE)
    with pytest.raises(InputError, match="creates the container"):
        read_line(f"docker exec -it vllm {SERVE}")


def test_a_container_variable_overrides_a_default() -> None:
    script = "sh vllm/vllm-openai:v0.33.0 -c 'vllm serve ${MODEL:-a/b} --served-model-name $(hostname)'"
    given = part_of_container(read_line(f"docker run -e MODEL=c/d --entrypoint {script}"))
    assert (given.settings["model.name"], "model.servedName" in given.settings) == ("c/d", False)
    assert [note.written for note in given.notes] == ["$hostname"]
    of_shell = part_of_container(read_line(f"docker run -e MODEL --entrypoint {script}"))
    assert of_shell.settings["model.name"] == "$MODEL"
    assert [note.written for note in of_shell.notes] == ["$MODEL", "$hostname", "MODEL"]


def test_other_commands_in_a_containers_script_are_listed() -> None:
    line = "docker run --entrypoint sh vllm/vllm-openai:v0.33.0 -c 'vllm serve a/b 2>&1 | tee /log; curl x'"
    part = part_of_container(read_line(line))
    assert "command" not in part.settings
    assert [note.written for note in part.notes] == ["| tee", "curl"]


def test_a_program_in_front_is_kept_in_a_container() -> None:
    part = part_of_container(read_line("docker run --entrypoint tini vllm/vllm-openai:v0.33.0 -- vllm serve a/b"))
    assert part.settings["command"] == ["tini", "--", "vllm", "serve", "a/b"]

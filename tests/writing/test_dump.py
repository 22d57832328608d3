"""Helm reads written values back unchanged."""

import base64
import json
import subprocess
from pathlib import Path

from modelservice.writing.dump import dump

TEXTS = [
    *("yes", "no", "on", "off", "y", "n", "Y", "N", "true", "null", "~", ""),
    *(
        "1",
        "-1",
        "+1",
        "1.5",
        ".5",
        "-.5",
        "+.5",
        "+_1",
        "_1",
        ".5e3",
        "+0o7",
        "1e3",
        "0x1f",
        "0o17",
        "017",
        "08",
        "1_000",
        "0b1",
        ".inf",
        "-.inf",
        ".nan",
    ),
    *("2024-01-01", "1:30", "=", "<<", "- a", "a: b", "a #b", "#a", "'", '"', "\\", "@a", "`a", "%a", "&a", "*a", "!a"),
    *("|", ">", "{}", "[]", "{{ .Values.x }}", "[= x =]", " a", "a ", "\ta", "two\nlines", "two\nlines\n", "\n"),
    *("ü", "日本", "20Gi", "500m", "v0.33.0", "sha256:0123", "--max-model-len=8192", '{"image":2}', "---", "..."),
    *("a\u2028b", "a b\u2029 c", "\x7f", "a\n\n", "a\n\n\n", "\n\na", " \n", "  a\nb\n\n"),
]


def test_every_text_is_read_back_unchanged(tmp_path: Path, helm: str) -> None:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(dump({"apiVersion": "v2", "name": "echo", "version": "0.1.0"}))
    (chart / "templates/values.yaml").write_text("values: {{ .Values | toJson | b64enc }}\n")
    values = {
        "texts": TEXTS,
        "keys": {text: number for number, text in enumerate(TEXTS)},
        "nested": [[1, []], {"a": {}}],
    }
    (chart / "values.yaml").write_text(dump(values))
    answer = subprocess.run([helm, "template", "x", str(chart)], capture_output=True, text=True, check=True)
    encoded = answer.stdout.split("values: ")[1].split()[0]
    assert json.loads(base64.b64decode(encoded)) == values

"""Findings about vLLM's arguments; expected verdicts come from the releases' own parsers."""

import re

import pytest
from modelservice.check import check
from modelservice.findings import Severity
from modelservice.reading.document import read
from modelservice.redact import looks_like_secret
from modelservice.vllm.argument_rules import RULES
from modelservice.vllm.arguments import check_arguments
from modelservice.vllm.releases import release_for, releases

ERROR = Severity.ERROR
HF_TOKEN = "hf_" + "aB3dE6gH9jK2mN5pQ8sT"  # made up


def said(args: list[str], tag: str = "v0.33.0", own_image: bool = True) -> list[tuple[str, int | str]]:
    return [(one.rule, one.path[1]) for one in check_arguments(args, release_for(tag, ""), own_image=own_image)]


def hints(args: list[str], tag: str = "v0.33.0") -> list[str]:
    return [one.hint for one in check_arguments(args, release_for(tag, ""), own_image=True)]


def refused(argument: str) -> str:
    """Return the releases that refuse an argument, as spans."""
    spans: list[list[str]] = []
    for before, release in zip(["", *releases()], releases(), strict=False):
        problems = check_arguments([argument], release_for(f"v{release}", ""), own_image=True)
        if any(one.severity is ERROR for one in problems):
            if spans and spans[-1][-1] == before:
                spans[-1].append(release)
            else:
                spans.append([release])
    return ", ".join(f"{span[0]}..{span[-1]}" for span in spans)


@pytest.mark.parametrize(
    ("argument", "spans"),
    [
        ("--task=embed", "0.13.0..0.33.0"),
        ("--shutdown-timeout=30", "0.10.0..0.17.1"),
        ("--swap-space=4", "0.18.1..0.33.0"),
        ("--runner=pooling", "0.10.0..0.10.0"),
        ("--convert=reward", "0.10.0..0.10.0, 0.16.0..0.33.0"),
        ("--max-model-len=auto", "0.10.0..0.13.0"),
        ("--disable-log-requests", "0.17.1..0.32.0"),
        ("--disable-prefix-caching", "0.10.0..0.32.0"),
        ("--use-gpu-for-pooling-score", "0.10.0..0.16.0, 0.18.1..0.33.0"),
        ("--guided-decoding-disable-fallback=true", "0.10.0..0.10.2, 0.12.0..0.33.0"),
        ("--load-format=gguf", ""),
        ('-O={"cudagraph_mode":"NONE"}', "0.12.0..0.33.0"),
        ('--compilation-config={"level":3}', "0.18.1..0.33.0"),
        ("-O3", ""),
        ("--enforce-eager=false", "0.10.0..0.33.0"),
        ("--device=cuda", "0.10.0..0.33.0"),
    ],
)
def test_an_argument_is_refused_in_the_same_releases_as_by_vllm(argument: str, spans: str) -> None:
    assert refused(argument) == spans


# For each rule: arguments that break it, and similar ones that pass.
CASES = [
    ("argument-unknown", ["--max-modellen=4096"], ["--max_model_len=4096"]),
    ("argument-removed", ["--task=embed"], ["--runner=pooling", "--convert=embed"]),
    ("argument-removed", ['--compilation-config={"level":3}'], ['--compilation-config={"mode":3}']),
    ("argument-removed", ["--compilation-config.level=3"], ["--compilation-config.mode=3"]),
    ("argument-abbreviated", ["--max-model=4096"], ["--max-model-len=4096"]),
    ("argument-ambiguous", ["--max", "4096"], ["--max-num-seqs", "4096"]),
    ("argument-deprecated", ["--log-config-file=/a.json"], ["--logging-config.pylogging_config_file=/a.json"]),
    ("argument-choice", ["--dtype=fp16"], ["--dtype=float16"]),
    ("argument-choice", ["--dtype='half'"], ["--dtype=half"]),
    ("argument-choice", ["--max-lora-rank=20"], ["--max-lora-rank=16"]),
    ("argument-value", ["--quantization=awk"], ["--quantization=awq"]),
    ("argument-type", ["--max-num-seqs=4k"], ["--max-model-len=4k"]),
    ("argument-type", ["--max-model-len=8Gi"], ["--max-model-len=8G"]),
    ("argument-type", ["--max-model-len=25.6K"], ["--max-model-len=25.6k"]),
    ("argument-type", ["--seed="], ["--seed=0"]),
    ("argument-type", ["--seed.a=1"], ["--hf-overrides.a=1"]),
    (
        "argument-type",
        ["--enable-lora", "--lora-modules", "sql"],
        ["--enable-lora", "--lora-modules", "sql=/models/sql", '{"name":"b","path":"/b"}'],
    ),
    ("argument-range", ["--tensor-parallel-size=0"], ["--tensor-parallel-size=1"]),
    ("argument-range", ["--gpu-memory-utilization=90"], ["--gpu-memory-utilization=1"]),
    ("argument-range", ["--max-model-len", "-2"], ["--max-model-len", "-1"]),
    ("argument-range", ["-O4"], ["-O3"]),
    ("argument-json", ["--limit-mm-per-prompt=image=4"], ['--limit-mm-per-prompt={"image":4}']),
    ("argument-json", ["--compilation-config=3"], ["--compilation-config", "{}"]),
    ("argument-json", ["--allowed-origins=*"], ['--allowed-origins=["*"]']),
    ("argument-json", ["--hf-overrides={a}"], ["--hf-overrides=text"]),
    ("argument-key", ["--eplb-config.step_intervals=32"], ["--eplb-config.step_interval=32"]),
    ("argument-key", ['--compilation-config={"mod":3}'], ['--compilation-config={"mode":3}']),
    ("argument-missing-value", ["--max-model-len"], ["--max-model-len", "$(LENGTH)"]),
    ("argument-missing-value", ["--seed", "--enforce-eager"], ["--seed", "1", "--enforce-eager"]),
    ("argument-switch-value", ["--enforce-eager=false"], ["--no-enforce-eager"]),
    ("argument-config", ["--config=/etc/vllm/a.yaml"], ["--config", "/etc/vllm/a.yaml"]),
    ("argument-stray", ["max-model-len=4096"], ["--max-model-len=4096"]),
    ("argument-stray", ["–max-model-len=4096"], ["--max-model-len=4096"]),  # noqa: RUF001  as word processors write
    ("argument-two-words", ["--dtype half"], ["--dtype", "half"]),
    ("argument-two-words", ["--dtype=half --seed=1"], ["--dtype=half", "--seed=1"]),
    ("argument-range", ["--api-server-count=0"], ["--api-server-count=1"]),
    ("argument-choice", ["--kv-cache-dtype=int8"], ["--kv-cache-dtype=fp8"]),
    ("argument-value", ["--attention-backend=FLASH"], ["--attention-backend=flash_attn"]),
    ("argument-conflict", ["--enable-dbo"], ["--enable-dbo", "--all2all-backend=deepep_low_latency"]),
    ("argument-needs", ["--enable-log-outputs"], ["--enable-log-outputs", "--enable-log-requests"]),
    ("argument-needs", ["--quantization=fp_quant"], ["--quantization=fp_quant", "--allow-deprecated-quantization"]),
    ("argument-owned", ["--port=9000"], ["--grpc-port=9000"]),
    (
        "argument-secret",
        [f"--otlp-traces-endpoint=https://a.b/?key={HF_TOKEN}"],
        ["--otlp-traces-endpoint=https://a.b"],
    ),
]


@pytest.mark.parametrize(("rule", "bad", "good"), CASES)
def test_a_mistake_is_found_and_the_correct_form_passes(rule: str, bad: list[str], good: list[str]) -> None:
    assert [found for found, _ in said(bad)] == [rule]
    assert said(good) == []


def test_each_rule_has_a_case() -> None:
    elsewhere = {"argument-not-yet", "argument-repeated", "argument-duplicate"}
    assert {rule for rule, _, _ in CASES} | elsewhere == {rule.id for rule in RULES}
    assert said(["--shutdown-timeout=30"], "v0.10.1.1") == [("argument-not-yet", 0)]
    assert said(["--seed=1", "--dtype=half", "--seed=2"]) == [("argument-repeated", 2)]
    assert said(["--seed=1", "--dtype=half", "--seed", "1"]) == [("argument-duplicate", 2)]


@pytest.mark.parametrize("bad", [bad for _, bad, _ in CASES if len(bad) == 1])
def test_the_arguments_in_a_hint_are_accepted(bad: list[str]) -> None:
    for hint in hints(bad):
        written = [item.strip("'").replace("''", "'") for item in re.findall(r"`([^`]+)`", hint)]
        if hint.startswith("add"):
            written += bad
        written = [item.replace("VALUE", "1") for item in written]
        assert [found for found in said(written) if hint.startswith(("write `", "use", "add"))] == []


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (
            ["--task=embed"],
            "use `--runner=pooling` and `--convert=embed`, as separate items; or set model.task instead",
        ),
        (
            ["--task=score"],
            "use `--runner=pooling` and `--convert=classify`, as separate items; or set model.task instead",
        ),
        (["--task", "generate"], "remove it: it needs no replacement"),
        (["--task reward"], "use `--runner=pooling`; or set model.task instead"),
        (["--disable-mm-preprocessor-cache"], "use `--mm-processor-cache-gb=0`"),
        (["--cuda-graph-sizes", "1", "2"], "use `--cudagraph-capture-sizes`, `'1'` and `'2'`, as separate items"),
        (["--eplb-window-size=100"], "use `--eplb-config.window_size=100`"),
        (["--swap-space=4"], "remove it: nothing replaces it"),
        (["--dtype", "fp16"], "write `float16`"),
        (["--max-model=100"], "write `--max-model-len=100`"),
        (["--served-model=qwen"], "remove it and set model.servedName: qwen"),
        (["--enforce-eager", "false"], "write `--no-enforce-eager` in place of both items"),
        (["--headless=false"], "remove it"),
        (["--enable-prefix-caching=True"], "write `--enable-prefix-caching`"),
        (["--limit-mm-per-prompt='{\"image\": 4}'"], 'write `--limit-mm-per-prompt={"image":4}`'),
        (["--limit-mm-per-prompt", "{'image': 4}"], "write `'{\"image\":4}'`"),
        (["--gpu-memory-utilization=90%"], "write `--gpu-memory-utilization=0.9`"),
        (["--max-num-seqs=1,024"], "write `--max-num-seqs=1024`"),
        (["--served-model-name", "a", "b"], "remove all 3 items and set model.servedName: [a, b]"),
        (["--port", "8080"], "remove both items and set containerPort: 8080"),
        (["--port=80"], "remove it and set containerPort"),
        (["--hf-token", "secret"], "remove both items and name the token's Secret in huggingFace.tokenSecret.name"),
    ],
)
def test_a_hint_says_what_to_write(args: list[str], hint: str) -> None:
    assert hints(args) == [hint]


def test_the_message_for_a_removed_flag_names_the_release() -> None:
    (problem,) = check_arguments(["--task=embed"], release_for("v0.20.2", ""), own_image=True)
    assert problem.message == "`--task` was removed in vLLM 0.13.0; this is vLLM 0.20.2"


def test_the_message_for_a_removed_value_names_the_release() -> None:
    (problem,) = check_arguments(["--quantization=bitsandbytes"], release_for("v0.33.0", ""), own_image=True)
    assert problem.message.endswith("it was removed in vLLM 0.28.0")
    assert problem.severity is Severity.WARNING


@pytest.mark.parametrize(
    "args",
    [
        ["-tp", "2", "-pp=2", "-q", "awq", "-n2"],
        ["-O", "2"],
        ["--tensor_parallel_size", "2"],
        ["--compilation-config.mode=3", "--compilation-config.pass_config.fuse_norm_quant", "true"],
        ["--cudagraph-capture-sizes", "1", "2", "4", "--enforce-eager"],
        ["--middleware=a.b", "--middleware=c.d"],
        ["--kv-cache-memory-bytes=25.6k", "--max-model-len", "32K"],
        ["--chat-template={{ bos }} -- {% if x %}"],
        ["--override-generation-config", '{"temperature": 0.2}'],
        ["--max-model-len=$(LENGTH)", "--dtype", "$(DTYPE)"],
        ["--disable-fastapi-docs"],
        ["--attention-backend=flash_attn", "--uvicorn-log-level", "debug"],
        [
            "--no-enable-prefix-caching",
            "--collect-detailed-traces",
            "model",
            "worker",
            "--otlp-traces-endpoint=http://a:1",
        ],
        ["--max-num-scheduled-tokens", "None", "--kv-cache-memory-bytes=", "--quantization="],
        ["--attention-backend=auto"],
        ["--data-parallel-size=4", "-dpl", "0", "--data-parallel-address=10.0.0.1"],
    ],
)
def test_arguments_that_the_parser_accepts_pass(args: list[str]) -> None:
    assert said(args) == []


@pytest.mark.parametrize(
    ("args", "at"),
    [
        (["--enforce-eager", "--no-enforce-eager"], 1),
        (["-tp", "2", "--tensor-parallel-size=4"], 2),
        (["--compilation-config={}", "--compilation-config.mode=3"], 1),
        (["--limit-mm-per-prompt.image=1", "--limit-mm-per-prompt.image=2"], 1),
    ],
)
def test_a_flag_repeated_under_another_name_is_found(args: list[str], at: int) -> None:
    assert said(args) == [("argument-repeated", at)]


@pytest.mark.parametrize(
    "args",
    [
        [f"--hf-token={HF_TOKEN}"],
        ["--hf-token", HF_TOKEN],
        [f"--hf-token {HF_TOKEN}"],
        ["--api-key", "sk-" + "a1" * 12, HF_TOKEN],
        ["AKIA" + "ABCDEFGH12345678"],
        [f"--task={HF_TOKEN}"],
        [f"--dtype={HF_TOKEN}"],
        [f"--{HF_TOKEN}=1"],
        [HF_TOKEN + "=x"],
        [f'--hf-overrides={{"a": "{HF_TOKEN}"}}'],
    ],
)
@pytest.mark.parametrize("own_image", [True, False])
def test_a_secret_is_refused_and_never_printed(args: list[str], own_image: bool) -> None:
    problems = check_arguments(args, release_for("latest", ""), own_image=own_image)
    assert "argument-secret" in {one.rule for one in problems if one.severity is ERROR}
    for secret in (HF_TOKEN, "a1a1", "ABCDEFGH"):
        assert not [one for one in problems if secret in one.message + one.hint]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (HF_TOKEN, "a Hugging Face token"),
        ("Authorization: Bearer abcdefghijklmnop1234", "a bearer token"),
        ("ghp_" + "a1" * 18, "a GitHub token"),
        ("https://user:secret@example.com/v1", "a password in a URL"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x", "a JSON Web Token"),
        ("hf_transfer", None),
        ("--hf-overrides=hf_quantizer", None),
        ("$(HF_TOKEN)", None),
        ("disk-usage-monitor-for-models", None),
        ("sk-learn-models-for-everybody", None),
        ("https://hf-mirror.com:443/a@b", None),
        ("meta-llama/Llama-3.1-8B-Instruct", None),
        ("sha256:" + "0" * 64, None),
    ],
)
def test_secrets_are_known_by_their_form(text: str, kind: str | None) -> None:
    assert looks_like_secret(text) == kind


def test_another_image_gets_only_warnings_except_for_secrets() -> None:
    problems = check_arguments(["--foo=1", "--port=1", "x"], release_for("v0.33.0", ""), own_image=False)
    assert [one.severity for one in problems] == [Severity.WARNING] * 3


@pytest.mark.parametrize(
    ("args", "tag", "severities"),
    [
        (["--foo=1", "--port=1"], "v0.50.0", ["warning", "error"]),
        (["--foo=1", "--device=cuda"], "v0.9.2", ["warning"]),
        # 0.11.0 lacks --enable-mm-embeds and 0.11.2 has it; no release has --foo.
        (["--enable-mm-embeds", "--foo=1"], "v0.11.1", ["warning", "error"]),
        (["--foo=1"], "latest", ["error"]),
    ],
)
def test_an_unlisted_release_gets_warnings_for_flags_that_it_may_have(
    args: list[str], tag: str, severities: list[str]
) -> None:
    problems = check_arguments(args, release_for(tag, ""), own_image=True)
    assert [one.severity for one in problems] == severities


@pytest.mark.parametrize(
    ("tag", "severities"),
    [("nightly-0123", ["error", "warning"]), ("latest", ["error", "error"]), ("v0.33.0", ["error", "error"])],
)
def test_a_nightly_build_may_have_flags_that_no_release_has(tag: str, severities: list[str]) -> None:
    text = f"model: {{name: Qwen/Qwen3-8B}}\nimage: {{tag: {tag}}}\nargs: [--port=9000, --brand-new-flag=1]\n"
    found = [one for one in check(read("values.yaml", text.encode())) if one.path[0] == "args"]
    assert [one.severity for one in found] == severities


def test_an_attention_backend_can_come_from_a_plugin_if_the_release_supports_it() -> None:
    # AttentionBackendEnum.register was added in 0.32.0.
    assert said(["--attention-backend=MINE"], "v0.31.0") == [("argument-choice", 0)]
    (found,) = check_arguments(["--attention-backend=MINE"], release_for("v0.32.0", ""), own_image=True)
    assert (found.rule, found.severity) == ("argument-value", Severity.WARNING)


def test_a_problem_with_a_value_in_its_own_item_is_reported_there() -> None:
    assert said(["--seed", "1", "--dtype", "fp16"]) == [("argument-choice", 3)]
    assert said(["--allowed-media-domains", "a.b", "--block-size", "4k"]) == [("argument-type", 3)]
    assert said(["--enforce-eager", "true"]) == [("argument-switch-value", 1)]


@pytest.mark.parametrize("tag", ["v0.33.0", "v0.11.1", "v0.9.2", "v0.50.0"])
def test_two_words_in_an_item_are_an_error_in_every_release(tag: str) -> None:
    for word in ("--quantization bitsandbytes", "--max-num-seqs 4k", "--task embed"):
        (found,) = check_arguments([word], release_for(tag, ""), own_image=True)
        assert (found.rule, found.severity) == ("argument-two-words", ERROR)
        assert found.message.startswith(f'"{word}" has several arguments, but no shell splits a list item')


@pytest.mark.parametrize(
    ("argument", "message", "hint"),
    [
        ("--num-scheduler-step=10", "the similar `--num-scheduler-steps` was removed in 0.10.1", "remove it"),
        ("--load-format=bitsandbytes", "it was removed in vLLM 0.28.0", "correct the value"),
        ("--quantization=int8", "is unknown", "correct the value"),
        ("--attention-backend=B12X_MLA_SPARSE", "is unknown", "correct the value"),
        ("--attention-backend=FLASHINFER_TS", "is unknown", "correct the value"),
        ('--attention-config={"backend":"FLASHINFER_TS"}', "is unknown", "correct the value"),
        ("--gpu-memory-utilization=1.01", "at most 1", "correct the value"),
        ("--rope-theta=5000000", "was removed in vLLM 0.11.2", "give all of the model's rope_parameters"),
    ],
)
def test_names_that_are_not_similar_are_not_suggested(argument: str, message: str, hint: str) -> None:
    (found,) = check_arguments([argument], release_for("v0.33.0", ""), own_image=True)
    assert message in found.message
    assert found.hint.startswith(hint)


# Arguments that vLLM's configuration refuses, the releases that refuse them, and arguments that pass.
RELATIONS = [
    (["--max-num-batched-tokens=64", "--max-num-seqs=256"], "v0.10.1", ["--max-num-batched-tokens=64"]),
    (["--max-model-len=8k", "--long-prefill-token-threshold=9000"], "v0.10.1", ["--max-model-len=-1"]),
    (["--max-num-seqs=8", "--max-num-active-seqs=9"], "v0.31.0", ["--max-num-seqs=8", "--max-num-active-seqs=8"]),
    (["--enable-lora", "--max-cpu-loras=2", "--max-loras=4"], "v0.10.1", ["--max-cpu-loras=2", "--max-loras=4"]),
    (["--lora-modules", "a=b/c"], "v0.10.0", ["--lora-modules", "a=b/c", "--enable-lora"]),
    (["--enable-eplb", "-tp=2"], "v0.10.1", ["--enable-eplb", "-tp=2", "--enable-expert-parallel"]),
    (["--enable-eplb", "--enable-expert-parallel"], "v0.11.0", ["--enable-eplb", "--enable-expert-parallel", "-dp=2"]),
    (["--eplb-config.num_redundant_experts=2"], "v0.10.2", ["--eplb-config.num_redundant_experts=0"]),
    (["-dcp=8"], "v0.11.2", ["-dcp=8", "-tp=8"]),
    (["-dcp=3", "-tp=8"], "v0.11.2", ["-dcp=2", "-tp=8"]),
    (["-dpl=2"], "v0.10.1", ["-dpl=0", "-dp=4"]),
    (["-dp=4", "--data-parallel-external-lb"], "v0.27.1", ["-dp=4", "--data-parallel-external-lb", "-dpn=$(RANK)"]),
    (["-dp=4", "--data-parallel-hybrid-lb"], "v0.10.1", ["-dp=4", "--data-parallel-hybrid-lb", "-dpl=2"]),
    (["--collect-detailed-traces=all"], "v0.11.2", ["--config", "/a.yaml", "--collect-detailed-traces=all"]),
    (["--attention-backend=B12X", '--attention-config={"backend":"B12X"}'], "v0.30.0", ["--attention-backend=B12X"]),
    (["--enable-dbo"], "v0.16.0", ["--enable-dbo", "--all2all-backend=deepep_high_throughput"]),
    (["--enable-dbo", "--all2all-backend=nixl_ep"], "v0.20.2", ["--enable-dbo", "--all2all-backend=$(BACKEND)"]),
    (["--cudagraph-capture-sizes", "1", "2", "--max-cudagraph-capture-size=4"], "v0.11.2", ["-O0"]),
    (["--numa-bind-nodes", "0"], "v0.20.2", ["--numa-bind-nodes", "0", "--numa-bind"]),
]


@pytest.mark.parametrize(("bad", "tag", "good"), RELATIONS)
def test_conflicts_between_arguments_are_the_same_as_in_the_configuration(
    bad: list[str], tag: str, good: list[str]
) -> None:
    for release in (tag, "v0.33.0"):
        later = [] if "nixl_ep" in bad[-1] and release == "v0.33.0" else ["argument-conflict", "argument-needs"]
        assert [rule for rule, _ in said(bad, release)] in ([rule] for rule in later) if later else not said(bad)
        assert said(good) == []


def test_problems_come_in_the_order_of_the_items() -> None:
    args = ["--enforce-eager", *["--seed=1", "--dtype=fp16"] * 6]
    assert [index for _, index in said(args)] == sorted(index for _, index in said(args))

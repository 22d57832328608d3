"""Decide what a secret is: by its form, by its name, and by the place where it is written."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

# Forms as their issuers document them. Repeats that may fail to match are bounded, and each form starts with plain
# text, so a long text takes linear time.
_FORMS = {
    "a Hugging Face token": r"hf_[A-Za-z0-9]{16,}"
    r"|hf_(?!token|cache|mirror|model|hub)(?=[A-Za-z]{0,40}[0-9])[A-Za-z0-9]{8,}|api_org_[A-Za-z0-9]{16,}",
    "an API key (sk-…)": r"sk-(?:[A-Za-z0-9]{16,}|(?=[A-Za-z_-]{0,40}[0-9])[A-Za-z0-9_-]{20,})",
    "an AWS access key": r"A(?:KIA|SIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}",
    "a GitLab token": r"glpat-[A-Za-z0-9_-]{16,}",
    "a Slack token": r"xox[abposr]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{20,}",
    "a webhook's URL": r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Z0-9]{6,20}/[A-Z0-9]{6,20}"
    r"/(?:[0-9]{6,30}/)?(?!X{8})[A-Za-z0-9]{20,}"
    r"|discord(?:app)?\.com/api/(?:v[0-9]{1,2}/)?webhooks/[0-9]{15,20}/(?!X{8})[A-Za-z0-9_-]{40,}"
    r"|webhook\.office\.com/webhookb2/[0-9a-f-]{36}@[0-9a-f-]{36}/[A-Za-z]{1,40}/[0-9a-f]{32}(?:/[A-Za-z0-9/_-]{1,200})?"
    r"|(?:logic\.azure|powerplatform|chat\.googleapis)\.com[:/][^\s?\"']{1,300}\?[^\s\"']{0,300}?\b(?:sig|token)=[\w%-]{20,}"
    r"|api\.telegram\.org/bot[0-9]{8,10}:[A-Za-z0-9_-]{30,}",
    "a Google API key": r"AIza[A-Za-z0-9_-]{35}",
    "an NVIDIA API key": r"nvapi-[A-Za-z0-9_-]{20,}",
    "a JSON Web Token": r"eyJ[A-Za-z0-9_-]{10,500}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*",
    "a bearer token": r"[Bb]earer\s{1,20}[A-Za-z0-9._~+/-]{16,}",
    "an npm token": r"npm_[A-Za-z0-9]{30,}",
    "a Docker token": r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}",
    "a Vault token": r"hv[sbr]\.[A-Za-z0-9_-]{20,}",
    "a Groq API key": r"gsk_[A-Za-z0-9]{20,}",
    "a Replicate token": r"r8_[A-Za-z0-9]{30,}",
    "a PyPI token": r"pypi-(?=[a-z-]{0,60}[A-Z0-9_])[A-Za-z0-9_-]{30,}",
    "an xAI API key": r"xai-[A-Za-z0-9]{40,}",
    "a Perplexity API key": r"pplx-[A-Za-z0-9]{40,}",
    "a LangSmith API key": r"lsv2_(?:pt|sk)_[A-Za-z0-9_]{32,}",
    "a Grafana token": r"glsa_[A-Za-z0-9_]{32,}",
    "a ModelScope token": r"ms-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
    "an Azure storage key": r"AccountKey=[A-Za-z0-9+/]{40,}",
    "a token in base64": r"aGZf[A-Za-z0-9+/]{20,}|c2st[A-Za-z0-9+/]{20,}"
    r"|bnZhcGkt[A-Za-z0-9+/]{20,}|Z2hwX[A-Za-z0-9+/]{20,}",
    # The public key of a Sentry DSN is none: its host or its path, the number of a project, shows it.
    "a token in a URL": r"[Hh][Tt]{2}[Pp][Ss]?://(?:(?:gh[pousr]_|github_pat_|glpat-|hf_)[A-Za-z0-9_-]{4,100}"
    r"|(?=[A-Za-z_-]{0,100}[0-9])(?=[0-9_-]{0,100}[A-Za-z])[A-Za-z0-9_-]{20,200})"
    r"@(?![^/\s\"']{0,100}(?:sentry|/[0-9]{1,20}(?![^\s\"'?])))",
    # A port at the end of a JSON string is not a password, whatever follows.
    "a password in a URL": r"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^/\s:@${<]{0,100}:(?!\d{1,5}[\"'])[^/\s@${<*][^/\s@${]{0,200}@",
}
# The forms above start at the edge of a word ("disk-" is not "sk-"), which may be the end of an escape sequence. Those
# in _INSIDE match anywhere.
_EDGE = r"(?:(?<![A-Za-z0-9])|(?<=\\[a-z])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-F]{2}))"
_INSIDE = {
    "a private key": r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?s:.*)",
    "a Hugging Face token": r"hf_[A-Za-z0-9]{30,}",
}
_ANY = re.compile(f"(?=[A-Za-z]){_EDGE}(?:{'|'.join(_FORMS.values())})|{'|'.join(_INSIDE.values())}")

# Names whose values are secrets, as _words() spells them. A key named after its issuer is one too.
_ISSUERS = "OPENAI|ANTHROPIC|GROQ|NVIDIA|NGC|WANDB|COHERE|GEMINI|MISTRAL|DEEPSEEK|TOGETHER|REPLICATE|PINECONE"
_KEYS = "API|ACCESS|SECRET|PRIVATE|AUTH|ENCRYPTION|SIGNING|MASTER|ACCOUNT|LICENSE|SUBSCRIPTION|JWT|HMAC|FERNET|ADMIN"
_ISSUED = "AUTH|ACCESS|API|HF|BEARER|REFRESH|SESSION|GITHUB|IDENTITY|REGISTRY"
_NAME = re.compile(
    r"(?:PASSWORDS?|PASSWD|PASSPHRASE|_PWD?|_PASS|PGPASS|(?:^|_)(?:SECRET|CREDENTIALS?|TOKEN)|^(?:PROXY_)?AUTHORIZATION"
    rf"|(?:{_ISSUED})_?TOKENS?"
    rf"|(?:^|_|STORAGE)(?:{_KEYS}|{_ISSUERS}|AZURE_STORAGE)_?KEYS?|ACCESS_?KEY_?ID|SECRET_KEY_BASE"
    r"|REDISCLI_AUTH|OAUTH2_BEARER|DOCKER_AUTH_CONFIG|^COOKIE|(?:GITHUB|GITLAB|GH|DEVOPS_EXT|ADO)_PAT)(?:_?[0-9]{1,2})?(?:_B(?:ASE)?64)?$"
)
# Names that are not secrets': a model's tokens, counts of them, switches, and the name of a Secret.
_OTHER = re.compile(
    r"(?:^|_)(?:(?:EOS|BOS|EOT|EOD|PAD|UNK|SEP|CLS|MASK|STOP|START|BEGIN|END|THINK|THINKING|TOOL|CALL|IMAGE|AUDIO|VIDEO"
    r"|SPECIAL|ADDED|NEXT|FIRST|LAST|PER|MAX|MIN|NUM|NEW|EXTRA|PREFILL|DECODE|BATCHED|PROMPT|INPUT|OUTPUT|DRAFT|IMPLICIT"
    r"|SPECULATIVE|CACHED|PLACEHOLDER|FROM|SCORE)_TOKEN|(?:PULL|TLS|EXISTING|TOKEN|KEY|K8S|KUBERNETES|REGISTRY)_SECRET)$"
    r"|^(?:USE|REQUIRE|NO|DISABLE|ENABLE|PASS|SKIP|ALLOW|WITH|VERIFY|CHECK|IGNORE|HAS|IS|LOG)_"
)
# A key called secret usually contains a Secret's name; the exceptions here contain the secret itself.
_SECRET_KEY = re.compile(
    r"(?:^|_)SECRET$(?<!CLIENT_SECRET)(?<!APP_SECRET)(?<!SHARED_SECRET)(?<!JWT_SECRET)(?<!COOKIE_SECRET)"
)
# Short names of a key or a flag. They do not apply to variables: PWD is the shell's working directory.
_SHORT_KEY = re.compile(r"P(?:ASS|WD?)")
# Values under such a name that are not secrets: HF_HUB_DISABLE_IMPLICIT_TOKEN=1, a count, a model's token, a path.
_NO_SECRET = re.compile(
    r"(?i)[0-9]{1,5}|true|false|yes|no|on|off|none|null|empty|dummy|unused|no-key|not-(?:needed|used|required)"
    r"|(?:\.{0,2}|~)/.*|<.*>|\[.*\]|\**|\.*|…"
)
# References expanded by Kubernetes, a shell, a template, Argo CD's plugins, vals, Bank-Vaults, SOPS or envsubst.
_REFERENCE = re.compile(
    r"\$[({A-Za-z_]|\{\{|^<[^<>]*>$|<path:[^<>]+>|^(?:ref\+|vault:|ENC\[|file:|[a-z][a-z0-9+-]{1,20}://)"
)
# Words next to which a secret of any form may be: vLLM's flags and their misspellings, names of variables.
_WORDS = re.compile(
    rf"(?=[a-z_-])(?:(?<![a-z])(?:api[-_ ]?ky|(?:{_ISSUED})[-_ ]?token"
    r"|token(?![a-z])(?<!batched-token)(?<!prefill-token)"
    rf"|authorization|secret(?![a-z])|credential|(?:{_KEYS}|{_ISSUERS})[-_ ]?key|cookie|redis_?cli_auth|docker_auth)"
    r"|passw(?:or)?d|passphrase|pgpass|client_?secret|[-_]p(?:wd?|ass|at)(?![a-z])|storage_?(?:account_?)?key)",
    re.IGNORECASE,
)
# A login without a scheme: u:password@proxy:3128. An image's tag before its digest is not one, nor is mailto:a@b.
_LOGIN = re.compile(
    r"(?<![\w.+/@:%-])(?!mailto:)[\w.+%-]{1,100}:[^\s/@:\"'`<>${}()]{1,200}@"
    r"(?=[A-Za-z0-9\[])(?![a-z][a-z0-9+._-]{0,20}:[0-9A-Fa-f]{32})"
)
# The user of a web address is usually a token. Repositories on ssh have the user git.
_USER = re.compile(r"(?i)(https?://)(?!git@)[^\s/@:$<>{}\"'`]{1,200}@")
# A file that matches is never quoted: after a mistake in it, nobody can tell which lines belong to the Secret.
_OBJECT = re.compile(r"\bkind[\"']?\s*:\s*[\"']?secret\b|\bstringData\b", re.IGNORECASE)


@functools.lru_cache(maxsize=64)
def may_hold_secret(line: str) -> bool:
    """Return whether a line of a file must not be shown, because it contains a secret or a secret's name."""
    return bool(_ANY.search(line) or _WORDS.search(line) or _LOGIN.search(line))


@functools.lru_cache(maxsize=8)
def has_secret_object(source: str) -> bool:
    """Return whether a text defines a Secret, whose values may have any name and form."""
    return bool(_OBJECT.search(source))


def looks_like_secret(text: str) -> str | None:
    """Return the kind of secret that a text seems to contain, such as "a Hugging Face token", or None."""
    found = _ANY.search(text)
    forms = (*_FORMS.items(), *_INSIDE.items())
    return next((kind for kind, form in forms if re.match(form, found[0])), None) if found else None


def without_forms(text: str, instead: str | Callable[[re.Match[str]], str]) -> str:
    """Return the text with each part that looks like a secret replaced by `instead`."""
    return _ANY.sub(instead, text)


def holds_login(text: str) -> bool:
    """Return whether a text contains user:password@ without a URL scheme before it."""
    return bool(_LOGIN.search(text))


def without_logins(text: str, instead: str | Callable[[re.Match[str]], str]) -> str:
    """Return the text with each login, including its @, replaced by `instead`, and so for the user of a web address."""
    return _LOGIN.sub(instead, _USER.sub(instead, text))


def _words(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name[-100:]).upper())


def names_secret(name: str) -> bool:
    """Return whether a variable or a header of this name holds a secret: DB_PASSWORD, X-API-Key."""
    words = _words(name)
    return bool(_NAME.search(words)) and not _OTHER.search(words)


def may_name_secret(name: str) -> bool:
    """Return whether a value with this name must not be shown, although it may not be a secret."""
    return bool(_WORDS.search(name)) and not _OTHER.search(_words(name))


@functools.lru_cache(maxsize=1024)
def keys_secret(key: str) -> bool:
    """Return whether a flag or a key of this name holds a secret, not a Secret's name: --hf-token, clientSecret."""
    words = _words(key.lstrip("-"))
    return bool(_SHORT_KEY.fullmatch(words)) or (names_secret(key.lstrip("-")) and not _SECRET_KEY.search(words))


def is_literal(value: str) -> bool:
    """Return whether a text under a secret's name is the secret, not a reference, a path, a switch or a count."""
    return bool(value) and not _REFERENCE.search(value) and not _NO_SECRET.fullmatch(value)

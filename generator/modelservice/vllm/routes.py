"""The routes of vLLM's OpenAI-compatible server: which kind of model serves them, and which require the API key.

Measured on vLLM 0.32: a generate model answers 404 to embeddings, an embedding model to chat, and the key guards /v1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

GENERATE, EMBEDDING, SCORE = "generate", "embedding", "score"
EVERY = (GENERATE, EMBEDDING, SCORE)


class Route(NamedTuple):
    """A route: the tasks that serve it, whether it requires the key, and a small request body without `model`."""

    method: str
    path: str
    tasks: tuple[str, ...]
    guarded: bool
    body: dict[str, Any] | None = None
    streamed: bool = False

    @property
    def name(self) -> str:
        """The route as tables show it."""
        return f"{self.method} {self.path}{' (streamed)' if self.streamed else ''}"


_MESSAGES = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 16}
ROUTES = (
    Route("GET", "/health", EVERY, False),
    Route("GET", "/v1/models", EVERY, True),
    Route("POST", "/v1/chat/completions", (GENERATE,), True, _MESSAGES),
    Route("POST", "/v1/chat/completions", (GENERATE,), True, {**_MESSAGES, "stream": True}, streamed=True),
    Route("POST", "/v1/completions", (GENERATE,), True, {"prompt": "Once upon a time", "max_tokens": 16}),
    Route("POST", "/v1/embeddings", (EMBEDDING,), True, {"input": ["Hello", "world"]}),
    Route("POST", "/v1/rerank", (SCORE,), True, {"query": "a fruit", "documents": ["apple", "car"]}),
    Route("POST", "/tokenize", EVERY, False, {"prompt": "Hello, world"}),
    Route("POST", "/detokenize", EVERY, False, {"tokens": [5, 6, 7]}),
    Route("GET", "/openapi.json", EVERY, False),
    Route("HEAD", "/openapi.json", EVERY, False),
    Route("GET", "/metrics", EVERY, False),
)


def served(task: str) -> list[Route]:
    """Return the routes that a model of this kind serves."""
    return [route for route in ROUTES if task in route.tasks]

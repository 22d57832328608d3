{{/* The program of `helm test`: it calls the routes for the model's task, as `modelservice smoke` does from outside. */}}
{{- define "modelservice.test.program" -}}
import json, os, ssl, sys, urllib.error, urllib.request

# The certificate names what clients ask for, which need not be the Service.
UNVERIFIED = ssl._create_unverified_context()
BASE, MODEL, TASK = (os.environ[name] for name in ("BASE_URL", "MODEL", "TASK"))
ROUTES = [  # method, path, kinds of model, body
    ('GET', '/health', ('generate', 'embedding', 'score'), None),
    ('GET', '/v1/models', ('generate', 'embedding', 'score'), None),
    ('POST', '/v1/chat/completions', ('generate',), {'messages': [{'role': 'user', 'content': 'Say hello.'}], 'max_tokens': 16}),
    ('POST', '/v1/chat/completions', ('generate',), {'messages': [{'role': 'user', 'content': 'Say hello.'}], 'max_tokens': 16, 'stream': True}),
    ('POST', '/v1/completions', ('generate',), {'prompt': 'Once upon a time', 'max_tokens': 16}),
    ('POST', '/v1/embeddings', ('embedding',), {'input': ['Hello', 'world']}),
    ('POST', '/v1/rerank', ('score',), {'query': 'a fruit', 'documents': ['apple', 'car']}),
    ('POST', '/tokenize', ('generate', 'embedding', 'score'), {'prompt': 'Hello, world'}),
    ('POST', '/detokenize', ('generate', 'embedding', 'score'), {'tokens': [5, 6, 7]}),
    ('GET', '/openapi.json', ('generate', 'embedding', 'score'), None),
    ('HEAD', '/openapi.json', ('generate', 'embedding', 'score'), None),
    ('GET', '/metrics', ('generate', 'embedding', 'score'), None),
]

def ask(method, path, body):
    data = None if body is None else json.dumps({**body, "model": MODEL}).encode()
    request = urllib.request.Request(BASE + path, data, method=method, headers={"Content-Type": "application/json"})
    if "VLLM_API_KEY" in os.environ:
        request.add_header("Authorization", "Bearer " + os.environ["VLLM_API_KEY"])
    try:
        with urllib.request.urlopen(request, timeout=120, context=UNVERIFIED) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()

wrong = []
for method, path, tasks, body in ROUTES:
    if TASK not in tasks:
        continue
    status, text = ask(method, path, body)
    odd = status != 200
    if path == "/v1/models" and not odd:
        served = [model["id"] for model in json.loads(text)["data"]]
        print("serves", ", ".join(served))
        odd = MODEL not in served
    if body and body.get("stream"):
        odd = odd or not text.rstrip().endswith("data: [DONE]")
    # A base model has no chat template, and the documents may be turned off.
    if (status == 400 and "chat template" in text) or (status == 404 and path == "/openapi.json"):
        odd = False
    print(method, path, status, text[:200] if odd else "")
    wrong += [path] if odd else []
if wrong:
    sys.exit("wrong: " + ", ".join(wrong))
{{- end }}

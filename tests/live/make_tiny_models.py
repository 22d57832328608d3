"""Make two tiny models with random weights, whose answers are random: make_tiny_models.py FOLDER

FOLDER/chat   a Llama of 2 layers with a byte-level BPE tokenizer and a chat template
FOLDER/embed  a BERT of 2 layers, pooled to vectors of 64 numbers, with the files of sentence-transformers

Heads are 32 wide, the minimum for vLLM's attention on CPUs, and weights are float16. Needs vLLM's dependencies.
"""

import json
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WORDS = [
    "A pod starts, its probe asks for its health, and the service sends it requests.",
    "Hello there, how are you today?",
]
TEMPLATE = (
    "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)
SIZES = {
    "vocab_size": 400,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


def chat(folder: Path) -> None:
    """Write the generating model."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(WORDS, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", pad_token="<s>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    config = LlamaConfig(
        **SIZES, num_key_value_heads=2, head_dim=32, max_position_embeddings=2048, bos_token_id=0, eos_token_id=1
    )
    LlamaForCausalLM(config).to(torch.float16).save_pretrained(folder)


def embed(folder: Path) -> None:
    """Write the embedding model."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pieces.train_from_iterator(
        WORDS, trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    )
    ends = [("[CLS]", 2), ("[SEP]", 3)]
    pieces.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=ends
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), special, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=pieces, model_max_length=512, **names).save_pretrained(folder)
    BertModel(BertConfig(**SIZES, max_position_embeddings=512), add_pooling_layer=False).to(
        torch.float16
    ).save_pretrained(folder)
    parts = [("0", "", "Transformer"), ("1", "1_Pooling", "Pooling")]
    modules = [
        {"idx": n, "name": name, "path": path, "type": f"sentence_transformers.models.{kind}"}
        for n, (name, path, kind) in enumerate(parts)
    ]
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "modules.json").write_text(json.dumps(modules))
    pooling = {"word_embedding_dimension": 64, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 512, "do_lower_case": False}))


if __name__ == "__main__":
    out = Path(sys.argv[1])
    for name, make in (("chat", chat), ("embed", embed)):
        torch.manual_seed(0)
        (out / name).mkdir(parents=True, exist_ok=True)
        make(out / name)
    for file in out.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)

"""Prints what Tortoise's language model writes with its cache, then without. Run in its environment:
python -m tests.engines.tortoise.caching FOLDER
"""

import sys
from pathlib import Path
from typing import Any


def main(folder: Path) -> None:
    import torch  # pyright: ignore[reportMissingImports]

    from ttsai_server.engines.tortoise import networks

    writer = networks.load(folder, "cpu").autoregressive
    voice, text = torch.ones(1, writer.model_dim), torch.arange(2, 12)[None]
    with torch.inference_mode():
        print(writer.inference_speech(voice, text, do_sample=False, max_generate_length=30).tolist())
        writer.inference_model.prepare_inputs_for_generation = _all_inputs
        print(writer.inference_speech(voice, text, do_sample=False, max_generate_length=30, use_cache=False).tolist())


def _all_inputs(input_ids: Any, **_: Any) -> dict[str, Any]:
    return {"input_ids": input_ids}


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Small XSUM files."""

import io
import json
import tarfile
from pathlib import Path


def article(number: int, **more: str) -> dict[str, str]:
    return {"id": str(number), "document": f"Line {number}.\nSecond  line.", "summary": f"Summary {number}.", **more}


def write(directory: Path, articles: list[dict[str, str]], name: str = "train.jsonl") -> Path:
    path = directory / name
    path.write_text("".join(json.dumps(record) + "\n" for record in articles), encoding="utf-8")
    return path


def pack_extracts(directory: Path, extracts: dict[str, str]) -> None:
    with tarfile.open(directory / "xsum-extracts.tar.gz", "w:gz") as archive:
        for name, text in extracts.items():
            info = tarfile.TarInfo(f"xsum-extracts/{name}.data")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))

"""The naive way to score one video, as a program of its own: every second a JPEG, then a model loaded anew.

Run as ``python benchmarks/naive_highlights.py VIDEO WEIGHTS FFMPEG``; prints the mean probability of "highlight".
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Extract, load, score."""
    video, weights, ffmpeg = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        command = [ffmpeg, "-v", "error", "-i", video, "-vf", "fps=1", "-q:v", "2", f"{folder}/%05d.jpg"]
        subprocess.run(command, check=True)
        import torch
        from PIL import Image
        from torchvision import transforms
        from torchvision.models import resnet18

        model = resnet18(num_classes=2)
        model.load_state_dict(torch.load(weights, weights_only=True))  # noqa: TID251 - the naive way is measured
        model.eval()
        prepare = transforms.Compose(
            [
                transforms.Resize((224, 224)),
                transforms.ToTensor(),
                transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
            ]
        )
        scores = []
        with torch.no_grad():
            for picture in sorted(Path(folder).glob("*.jpg")):
                answer = model(prepare(Image.open(picture).convert("RGB")).unsqueeze(0))
                scores.append(float(torch.softmax(answer, 1)[0, 1]))
    print(sum(scores) / len(scores))


if __name__ == "__main__":
    main()

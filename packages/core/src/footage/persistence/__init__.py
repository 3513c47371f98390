"""Models on disk: what they are (bundle), and how to read them without trusting them (sklearn, onnx, tensorrt)."""

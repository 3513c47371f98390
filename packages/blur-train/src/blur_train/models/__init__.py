"""Networks that classify blur, each behind the same face: uint8 evidence in, logits out."""

"""From a folder of files to rows that may be compared: discovery, manifests, splits, audits."""

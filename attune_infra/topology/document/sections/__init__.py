"""The sections of a topology document: YAML nodes to objects, and objects to what stands in the document."""

"""The JSON Schema of topology documents, for editors. A module for each part; none of them loads YAML."""

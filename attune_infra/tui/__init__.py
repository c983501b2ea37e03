"""The live view on the whole terminal, drawn by Textual, which nothing else loads. See decision 61."""

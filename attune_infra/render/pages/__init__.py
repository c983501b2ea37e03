"""The pages: one module for each result of a command, which `render.page` describes."""

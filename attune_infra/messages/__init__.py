"""Stored messages as values: their properties, which of them are meant, their deaths, their form in files."""

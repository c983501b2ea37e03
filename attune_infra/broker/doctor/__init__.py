"""Everything that doctor asks a broker. Nothing here changes it."""

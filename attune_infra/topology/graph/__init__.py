"""A topology as a graph: built, divided into groups, reduced to a neighbourhood."""

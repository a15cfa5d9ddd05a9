"""A class of eight submissions, made from the released lecture, and graded: `make demo`."""

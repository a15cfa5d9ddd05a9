"""The format of the course's notebooks: graded cells, marked answers, a text and its notebook."""

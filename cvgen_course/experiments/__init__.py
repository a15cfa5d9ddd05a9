"""Full-size experiments: what `cvgen train` trains, and how.

`experiment` says what an experiment is, a file for each chapter makes some, `chapters` finds them
by name, and `run` trains one on whatever machine there is.
"""

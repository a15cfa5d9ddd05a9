"""Full-size experiments: what `cvgen train` trains, and how; and what `cvgen evaluate` measures.

`core` says what an experiment is and trains one on whatever machine there is; a file or folder for
each chapter makes some, and `chapters` finds them by name.
"""

"""What the demonstration's students write: one module each, functions named as in the lecture.

A function that a module leaves out stays blank in its submission.
"""

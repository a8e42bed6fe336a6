"""What runs inside the container. It imports otter and never Gofer; the host copies it in whole.

`python -m` this package is a supervisor (PID 1 in a container) that forks one runner. The runner
says it is ready, reads one job from standard input, runs otter's own runner on it and answers once.
"""

"""A sandbox for a submission's kernel: bubblewrap's namespaces, limits, and a warm start.

``box.Sandbox`` is one sandbox with one kernel; ``provisioner.SandboxProvisioner`` gives it to
Jupyter. ``warm.WarmProcess`` has the libraries imported and forks kernels into sandboxes.
"""

"""What an experiment is, and how one is trained on whatever machine there is; knows no chapter."""

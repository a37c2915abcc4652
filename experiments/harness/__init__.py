"""What the programs share: launching, front ends by name, results on disk, progress, figures."""

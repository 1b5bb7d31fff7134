"""Benchmarks: PPI and the alternative side by side in one run; figures are in docs/performance.md."""

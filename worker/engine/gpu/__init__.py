"""What a GPU runs in place of a model's parts: kernels in Triton, and the Python around each.

Importing its modules needs Triton, which comes with torch's CUDA builds.
"""

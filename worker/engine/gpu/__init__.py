"""What a GPU runs in place of a model's parts: kernels in Triton, and the Python around each.

Importing what launches kernels needs Triton, which comes with torch's CUDA builds.
"""

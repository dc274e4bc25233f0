# One recipe, two images: without EXTRAS the services (submit, feeder, Flower), with
# EXTRAS=[worker] the worker, which carries torch. TORCH_INDEX is PyTorch's index for the machine
# it runs on; without one, Linux gets CUDA.

FROM python:3.11-slim AS wheel
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY ledger ledger
COPY reporting reporting
COPY producer producer
COPY worker worker
COPY templates templates
COPY models/starter models/starter
COPY examples examples
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim AS environment
ARG EXTRAS=""
ARG TORCH_INDEX=""
COPY constraints.txt /
COPY --from=wheel /wheels /wheels
RUN python -m venv /opt/nightpress \
 && /opt/nightpress/bin/pip install --no-cache-dir --constraint /constraints.txt \
      ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} "$(echo /wheels/*.whl)$EXTRAS"

FROM python:3.11-slim AS nightpress
ARG EXTRAS=""
# The worker compiles its kernels for the processor that it finds itself on.
RUN if [ -n "$EXTRAS" ]; then \
      apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev \
      && rm -rf /var/lib/apt/lists/*; \
    fi
RUN useradd --uid 10001 --create-home nightpress \
 && install --directory --owner nightpress --mode 700 /data
COPY --from=environment /opt/nightpress /opt/nightpress
ENV PATH=/opt/nightpress/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NIGHTPRESS_HOME=/data \
    HF_HOME=/data/huggingface
USER nightpress
WORKDIR /work
VOLUME /data
ENTRYPOINT ["nightpress"]
CMD ["--help"]

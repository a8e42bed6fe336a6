# Two images: `grader`, which runs student notebooks, and `service`, which runs Gofer itself.
# For the engine's classic builder: no step needs the network, all comes from the wheelhouse that
# `make image` fills. BASE_IMAGE must have Python 3.13 as `python3`, with venv and pip.
ARG BASE_IMAGE=python:3.13-slim-trixie

FROM ${BASE_IMAGE} AS grader-environment
COPY wheelhouse/ /wheelhouse/
COPY requirements/ /requirements/
RUN python3 -m venv /opt/gofer \
    && /opt/gofer/bin/pip install --no-cache-dir --no-index --find-links /wheelhouse \
       --require-hashes -r /requirements/grader-image.txt

FROM ${BASE_IMAGE} AS grader
COPY --from=grader-environment /opt/gofer /opt/gofer
# The harness comes last: it changes more often than what it imports.
COPY harness/ /opt/gofer/lib/python3.13/site-packages/gofer_harness/
RUN /opt/gofer/bin/python3 -m compileall -q /opt/gofer/lib/python3.13/site-packages/gofer_harness
ENV PATH=/opt/gofer/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
# PID 1 is the harness itself, with no init in front of it: an init's standard output would stay open
# to anyone in the container.
ENTRYPOINT ["/opt/gofer/bin/python3", "-I", "-m", "gofer_harness"]

FROM ${BASE_IMAGE} AS service-environment
COPY wheelhouse/ /wheelhouse/
COPY requirements/ /requirements/
RUN python3 -m venv /opt/gofer \
    && /opt/gofer/bin/pip install --no-cache-dir --no-index --find-links /wheelhouse \
       --require-hashes -r /requirements/service-image.txt
COPY gofer/ /gofer/
RUN /opt/gofer/bin/pip install --no-cache-dir --no-index --no-deps --no-build-isolation /gofer

FROM ${BASE_IMAGE} AS service
COPY --from=service-environment /opt/gofer /opt/gofer
ENV PATH=/opt/gofer/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    VOLUME_PATH=/srv/gofer
RUN mkdir /srv/gofer && chown 10001:10001 /srv/gofer
USER 10001:10001
VOLUME /srv/gofer
EXPOSE 10101
CMD ["gofer", "up"]

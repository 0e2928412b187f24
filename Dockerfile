# The images `operator`, `bot` and `gateway`. What is in them is said once, in hack/images: it gathers the files here just as it
# does for `make images`, which needs no Docker. There is no base image, so nothing in them is of unknown origin.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /source
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETARCH
ARG VERSION=dev
RUN go run ./hack/images -arch "$TARGETARCH" -version "$VERSION" -out /rootfs rootfs operator bot gateway

FROM scratch AS operator
ARG VERSION=dev
ARG REVISION=
LABEL org.opencontainers.image.title="Sesi operator" \
      org.opencontainers.image.description="Runs one bot pod per WhatsAppSession and mirrors its state into the resource." \
      org.opencontainers.image.url="https://sesi.dev" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /rootfs/operator /
ENV PATH=/bin
USER 65532:65532
ENTRYPOINT ["/operator"]

FROM scratch AS gateway
ARG VERSION=dev
ARG REVISION=
LABEL org.opencontainers.image.title="Sesi gateway" \
      org.opencontainers.image.description="Serves the bots of all WhatsAppSessions at one address, and the desk." \
      org.opencontainers.image.url="https://sesi.dev" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /rootfs/gateway /
ENV PATH=/bin
USER 65532:65532
ENTRYPOINT ["/gateway"]

FROM scratch AS bot
ARG VERSION=dev
ARG REVISION=
LABEL org.opencontainers.image.title="Sesi bot" \
      org.opencontainers.image.description="Keeps one WhatsApp linked-device session and serves its session API." \
      org.opencontainers.image.url="https://sesi.dev" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /rootfs/bot /
COPY --from=build --chown=65532:65532 --chmod=0700 /rootfs/bot/data /data
ENV PATH=/bin GOMAXPROCS=1
USER 65532:65532
WORKDIR /data
VOLUME /data
ENTRYPOINT ["/bot"]

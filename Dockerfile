# The image that docker-compose.yml and everybody else runs: one program, no shell, no root.
#
#   docker build -t keyturn .
#   docker run -p 8080:8080 -v keyturn:/var/lib/keyturn -e KEYTURN_ISSUER=https://keys.example.com keyturn

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
COPY . .
# Both caches outlive the build, so the next one compiles only what changed.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --profile dist --bin keyturn \
    && install -D target/dist/keyturn /image/usr/local/bin/keyturn
# A new volume takes its owner from the folder that it covers.
RUN install -d -m 0700 -o 65532 -g 65532 /image/var/lib/keyturn

# The C library and the public authorities' certificates, the user 65532, and nothing to log in to.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /image /

LABEL org.opencontainers.image.title="keyturn" \
      org.opencontainers.image.description="Turns a long-lived API key into a six-minute signed token" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT"

# The database and the keys/ folder are made where the program starts.
WORKDIR /var/lib/keyturn
VOLUME /var/lib/keyturn
ENV KEYTURN_LISTEN=0.0.0.0:8080
EXPOSE 8080

# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["keyturn", "healthcheck"]
ENTRYPOINT ["keyturn"]
CMD ["serve"]

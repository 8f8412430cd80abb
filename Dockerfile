# PostgreSQL's official image with the extension's three files, and nothing of what built them.
#
#	docker build -t postgres-loyalty .
#	docker build -t postgres-loyalty --build-arg PG_MAJOR=16 .

ARG PG_MAJOR=17

FROM postgres:${PG_MAJOR} AS build
RUN apt-get update \
	&& apt-get install -y --no-install-recommends gcc libc6-dev make postgresql-server-dev-$PG_MAJOR
COPY . /src
WORKDIR /src
RUN make -j "$(nproc)" with_llvm=no all \
	&& make with_llvm=no install DESTDIR=/out

FROM postgres:${PG_MAJOR}
COPY --from=build /out/ /

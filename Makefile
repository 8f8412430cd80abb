# Build with `make && make install && make installcheck`; PG_CONFIG= picks the server.
#
# The targets demo, report, test, bench, lint, format and format-check run scripts that install
# what they need first, so they work where there is no PostgreSQL yet: PGXS is only read
# where it is there.
#
# Elsewhere than in the source folder, `make -f /path/to/source/Makefile` builds as well.

# The source folder, as seen from here: PGXS's srcdir, which isn't known yet.
SOURCE := $(patsubst %/,%,$(or $(VPATH),$(dir $(firstword $(MAKEFILE_LIST)))))

EXTENSION   := loyalty
# The version is stated once, in the control file.
EXTVERSION  := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$(SOURCE)/$(EXTENSION).control")

MODULE_big  := $(EXTENSION)
OBJS        := $(patsubst $(SOURCE)/%.c,%.o,$(sort $(wildcard $(SOURCE)/src/*.c $(SOURCE)/src/*/*.c)))
OUR_HEADERS := $(wildcard $(SOURCE)/src/*.h $(SOURCE)/src/*/*.h)

# The install script is these, joined: each needs only what stands before it. Other .sql files
# beside them are templates that they expand (src/expand.awk).
SQL_PARTS := \
	src/core/core.sql \
	src/node/node.sql \
	src/metric/links.sql \
	src/activity/activity.sql \
	src/timeline/timeline.sql \
	src/activity/collectors.sql \
	src/timeline/collectors.sql \
	src/retention/retention.sql \
	src/cohort/cohort.sql \
	src/funnel/funnel.sql \
	src/flow/event_flow.sql \
	src/growth/growth.sql \
	src/growth/engagement.sql \
	src/survival/survival.sql \
	src/repeat/repeat_purchase.sql \
	src/points/policy.sql \
	src/points/points.sql \
	src/points/base.sql \
	src/points/ifrs15.sql \
	src/tiers/policy.sql \
	src/tiers/tiers.sql \
	src/tiers/base.sql \
	src/earn/earn.sql \
	src/program/program.sql \
	src/segments/rfm.sql \
	src/segments/concentration.sql \
	src/segments/basket_switching.sql \
	src/segments/existing_vs_new.sql \
	src/segments/wallet.sql \
	src/voice/voice.sql \
	src/effect/effect.sql \
	src/advocacy/advocacy.sql \
	src/value/value.sql \
	src/value/purchases.sql \
	src/value/backtest.sql \
	src/core/volatility.sql
SQL_TEMPLATES := $(filter-out $(addprefix $(SOURCE)/,$(SQL_PARTS) src/update/%),$(wildcard $(SOURCE)/src/*/*.sql))
JOINED_SQL  := $(EXTENSION)--$(EXTVERSION).sql
DATA_built  := $(JOINED_SQL)
# From each older version to the next; test/make_update.sh makes them.
DATA        := $(patsubst $(SOURCE)/%,%,$(wildcard $(SOURCE)/src/update/$(EXTENSION)--*--*.sql))

PG_CPPFLAGS = -I$(srcdir)/src -DLOYALTY_VERSION='"$(EXTVERSION)"'
PG_CFLAGS   = -O3
# Calls among our own functions stay inside the library, whatever the server exports. Where the
# linker is GNU's or takes its options; macOS binds a library to its own symbols by itself. From
# PostgreSQL 16 on PGXS hides them with -fvisibility, too.
GNU_LINKING = -Wl,-Bsymbolic -Wl,--version-script=$(srcdir)/src/exports.map
SHLIB_LINK += $(if $(filter linux freebsd openbsd netbsd,$(PORTNAME)),$(GNU_LINKING))

# pg_regress; the first test creates the extension.
REGRESS := $(sort $(basename $(notdir $(wildcard $(SOURCE)/sql/*.sql))))
REGRESS := $(filter setup,$(REGRESS)) $(filter-out setup,$(REGRESS))

EXTRA_CLEAN = results regression.diffs regression.out $(JOINED_SQL).tmp build/flags

PG_CONFIG ?= pg_config
PGXS      := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
# A client's pg_config names these, and they are not there.
SERVER_HEADER := $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)/postgres.h

ifneq ($(and $(wildcard $(PGXS)),$(wildcard $(SERVER_HEADER))),)

# Make would take what was built in the source folder for its own here.
ifneq ($(SOURCE),.)
ifneq ($(wildcard $(addprefix $(SOURCE)/,$(OBJS) $(MODULE_big).so $(JOINED_SQL))),)
$(error $(SOURCE) is built in already: run 'make clean' there first)
endif
$(shell mkdir -p $(sort $(dir $(OBJS))))
endif

# Inlining for JIT needs the clang that the server was built with. Without it, do without.
PGXS_CLANG := $(shell sed -n 's/^CLANG *= *//p' $(dir $(PGXS))../Makefile.global)
ifeq ($(shell command -v $(firstword $(PGXS_CLANG) clang) 2>/dev/null),)
override with_llvm = no
endif

include $(PGXS)

# Another server, compiler or set of flags makes the objects anew.
FLAGS_NOW := $(VERSION) $(CC) $(CFLAGS)
ifneq ($(shell cat build/flags 2>/dev/null),$(FLAGS_NOW))
$(shell mkdir -p build && printf '%s\n' '$(FLAGS_NOW)' > build/flags)
endif

$(OBJS) $(OBJS:.o=.bc): $(OUR_HEADERS) $(SOURCE)/Makefile build/flags
$(shlib): $(SOURCE)/src/exports.map

# Bitcode of an earlier version would be inlined in place of what is installed now.
ifneq ($(with_llvm),yes)
install: no-old-bitcode
.PHONY: no-old-bitcode
no-old-bitcode:
	rm -rf '$(DESTDIR)$(pkglibdir)/bitcode/$(MODULE_big)' '$(DESTDIR)$(pkglibdir)/bitcode/$(MODULE_big).index.bc'
endif

$(JOINED_SQL): $(addprefix $(SOURCE)/,$(SQL_PARTS) src/expand.awk $(EXTENSION).control Makefile) $(SQL_TEMPLATES)
	{ printf '%s\n' '\echo Use "CREATE EXTENSION $(EXTENSION)" to load this file. \quit' && \
	  (cd '$(SOURCE)' && awk -f src/expand.awk $(SQL_PARTS)); } > $@.tmp
	mv $@.tmp $@

else

# No server's headers here yet.
OTHERS := $(wildcard /usr/lib/postgresql/*/bin/pg_config)
.PHONY: all install installcheck clean
all install installcheck:
	@echo "$(PG_CONFIG): there are no headers of a server ($(or $(PGXS),PGXS), $(SERVER_HEADER))" >&2
	@echo "$(if $(OTHERS),PG_CONFIG=$(lastword $(sort $(OTHERS))) picks a server that has them,PG_CONFIG= picks a server that has them; 'test/setup.sh' installs Debian's)" >&2
	@exit 1
clean:
	rm -rf $(JOINED_SQL) $(EXTRA_CLEAN) $(MODULE_big).so $(OBJS) $(OBJS:.o=.bc)

endif

# ---- what needs nothing set up by hand ----

export PG_CONFIG

.PHONY: demo report test test-large bench test-matrix test-machines test-sanitizers lint format format-check dist update-script stored-values

demo: # DATA=orders.csv
	@DATA='$(DATA)' '$(SOURCE)/test/demo.sh'

report: # DATA=orders.csv CONFIG=report.json
	@DATA='$(DATA)' CONFIG='$(CONFIG)' '$(SOURCE)/report/make.sh'

test: # ONLY= NODE= WORKERS= JOBS=
	@ONLY='$(subst ','\'',$(value ONLY))' NODE='$(NODE)' WORKERS='$(WORKERS)' JOBS='$(JOBS)' '$(SOURCE)/test/run.sh'

test-large:
	@'$(SOURCE)/test/run.sh' --large

bench: # ROWS= CUSTOMERS= RUNS= ONLY= KEEP= SHARED_BUFFERS= HUGE_PAGES=
	@ROWS='$(ROWS)' CUSTOMERS='$(CUSTOMERS)' RUNS='$(RUNS)' ONLY='$(subst ','\'',$(value ONLY))' KEEP='$(KEEP)' SHARED_BUFFERS='$(SHARED_BUFFERS)' HUGE_PAGES='$(HUGE_PAGES)' '$(SOURCE)/test/bench/run.sh'

test-matrix: # SUITES= MATRIX_DIR= PG_CONFIGS=
	@SUITES='$(SUITES)' MATRIX_DIR='$(MATRIX_DIR)' PG_CONFIGS='$(PG_CONFIGS)' '$(SOURCE)/test/matrix.sh'

test-machines: # SUITES= SCENARIOS= MACHINES_DIR=
	@SUITES='$(SUITES)' SCENARIOS='$(SCENARIOS)' MACHINES_DIR='$(MACHINES_DIR)' '$(SOURCE)/test/machines.sh'

test-sanitizers: # PARTS= SECONDS= VALGRIND_FILES= NODE= WORKERS= ASSERT_PG_CONFIG= REGRESS_DIR= SANITIZERS_DIR=
	@NODE='$(NODE)' WORKERS='$(WORKERS)' REGRESS_DIR='$(REGRESS_DIR)' PARTS='$(PARTS)' SQLSMITH_SECONDS='$(SECONDS)' VALGRIND_FILES='$(VALGRIND_FILES)' ASSERT_PG_CONFIG='$(ASSERT_PG_CONFIG)' SANITIZERS_DIR='$(SANITIZERS_DIR)' '$(SOURCE)/test/sanitizers.sh'

update-script: # FROM=
	@'$(SOURCE)/test/make_update.sh' '$(FROM)'

stored-values:
	@'$(SOURCE)/test/stored_values.sh'

lint:
	@'$(SOURCE)/test/lint.sh'

format:
	@'$(SOURCE)/test/format.sh'

format-check:
	@'$(SOURCE)/test/format.sh' --check

# What PGXN takes: the sources of HEAD, and the install script, which META.json names.
DIST = $(EXTENSION)-$(shell sed -n '0,/"version"/s/.*"version": *"\(.*\)".*/\1/p' META.json)

dist: $(JOINED_SQL)
	mkdir -p build
	git archive --format=zip --prefix=$(DIST)/ --add-file=$(JOINED_SQL) --output=build/$(DIST).zip HEAD

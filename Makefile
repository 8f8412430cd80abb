# Build with `make && make install && make installcheck`; PG_CONFIG= picks the server.
#
# The targets demo, test, bench, lint, format and format-check run scripts that install
# what they need first, so they work where there is no PostgreSQL yet: PGXS is only read
# where it is there.

EXTENSION   := loyalty
# The version is stated once, in the control file.
EXTVERSION  := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)

MODULE_big  := $(EXTENSION)
OBJS        := $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
OUR_HEADERS := $(wildcard src/*.h src/*/*.h)

# The install script is these, joined: each needs only what stands before it. Other .sql files
# beside them are templates that they expand (src/expand.awk).
SQL_PARTS := \
	src/core/core.sql \
	src/activity/activity.sql \
	src/timeline/timeline.sql \
	src/activity/collectors.sql \
	src/timeline/collectors.sql \
	src/retention/retention.sql \
	src/retention/funnel.sql \
	src/retention/growth.sql \
	src/retention/engagement.sql \
	src/retention/survival.sql \
	src/retention/repeat_purchase.sql \
	src/points/policy.sql \
	src/points/points.sql \
	src/points/base.sql \
	src/points/ifrs15.sql \
	src/tiers/policy.sql \
	src/tiers/tiers.sql \
	src/tiers/base.sql \
	src/program/earn_policy.sql \
	src/program/earn.sql \
	src/program/program_policy.sql \
	src/program/program.sql \
	src/program/base.sql \
	src/core/volatility.sql
SQL_TEMPLATES := $(filter-out $(SQL_PARTS) src/update/%,$(wildcard src/*/*.sql))
JOINED_SQL  := $(EXTENSION)--$(EXTVERSION).sql
DATA_built  := $(JOINED_SQL)
# From each older version to the next; test/make_update.sh makes them.
DATA        := $(wildcard src/update/$(EXTENSION)--*--*.sql)

PG_CPPFLAGS = -I$(srcdir)/src -DLOYALTY_VERSION='"$(EXTVERSION)"'
PG_CFLAGS   = -O3
# Calls among our own functions stay inside the library, whatever the server exports.
SHLIB_LINK += -Wl,-Bsymbolic -Wl,--version-script=$(srcdir)/src/exports.map

# pg_regress; the first test creates the extension.
REGRESS := $(sort $(basename $(notdir $(wildcard sql/*.sql))))
REGRESS := $(filter setup,$(REGRESS)) $(filter-out setup,$(REGRESS))

EXTRA_CLEAN = results regression.diffs regression.out $(JOINED_SQL).tmp build/flags

PG_CONFIG ?= pg_config
PGXS      := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

ifneq ($(wildcard $(PGXS)),)

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

$(OBJS) $(OBJS:.o=.bc): $(OUR_HEADERS) Makefile build/flags
$(shlib): src/exports.map

$(JOINED_SQL): $(SQL_PARTS) $(SQL_TEMPLATES) src/expand.awk $(EXTENSION).control Makefile
	{ printf '%s\n' '\echo Use "CREATE EXTENSION $(EXTENSION)" to load this file. \quit' && \
	  awk -f src/expand.awk $(SQL_PARTS); } > $@.tmp
	mv $@.tmp $@

else

# No server's headers here yet.
.PHONY: all install installcheck clean
all install installcheck:
	@echo "$(PG_CONFIG): no PGXS found; 'test/setup.sh' installs it from Debian's packages, PG_CONFIG= picks a server" >&2; exit 1
clean:
	rm -rf $(JOINED_SQL) $(EXTRA_CLEAN) $(MODULE_big).so $(OBJS) $(OBJS:.o=.bc)

endif

# ---- what needs nothing set up by hand ----

export PG_CONFIG

.PHONY: demo test bench test-matrix lint format format-check update-script stored-values

demo: # DATA=orders.csv
	@DATA='$(DATA)' test/demo.sh

test:
	@test/run.sh

bench: # ROWS= CUSTOMERS= RUNS= ONLY= KEEP=
	@ROWS='$(ROWS)' CUSTOMERS='$(CUSTOMERS)' RUNS='$(RUNS)' ONLY='$(value ONLY)' KEEP='$(KEEP)' test/bench/run.sh

test-matrix: # SUITES= MATRIX_DIR=
	@SUITES='$(SUITES)' MATRIX_DIR='$(MATRIX_DIR)' test/matrix.sh

update-script: # FROM=
	@test/make_update.sh '$(FROM)'

stored-values:
	@test/stored_values.sh

lint:
	@test/lint.sh

format:
	@test/format.sh

format-check:
	@test/format.sh --check

#!/usr/bin/env bash
# What packagers read: META.json by the rules of the PGXN Meta Spec 1.0.0, and the version,
# which the control file states, in each place that has to repeat it.

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -nE "s/^default_version *= *'(.*)'/\1/p" loyalty.control)
# PGXN's versions are semantic ones, with three parts.
semantic=$version
while [[ $semantic != *.*.* ]]; do
	semantic+=.0
done

meta=$(cat META.json)

# meta QUERY: what `SELECT` gives, `meta` being the file. Empty where nothing is wrong.
meta()
{
	run postgres -v "meta=$meta" <<<"SELECT $1" 2>&1 || true
}

# wrong: each fault of $meta in a line.
wrong()
{
	meta "fault FROM (SELECT :'meta'::jsonb) f(meta) CROSS JOIN LATERAL (
		SELECT 'no ' || key FROM unnest('{abstract,maintainer,license,meta-spec,name,provides,version}'::text[]) key WHERE NOT meta ? key
		UNION ALL
		SELECT 'unknown key ' || key FROM jsonb_object_keys(meta) key
		WHERE key <> ALL ('{abstract,maintainer,license,meta-spec,name,provides,version,description,generated_by,tags,no_index,prereqs,release_status,resources}') AND key !~ '^[xX]_'
		UNION ALL
		SELECT 'name ' || (meta ->> 'name') WHERE meta ->> 'name' !~ '^[^[:space:][:cntrl:]/\\\\]{2,}$'
		UNION ALL
		SELECT 'license ' || (meta ->> 'license') WHERE jsonb_typeof(meta -> 'license') = 'string' AND meta ->> 'license' <> ALL (
			'{agpl_3,apache_1_1,apache_2_0,artistic_1,artistic_2,bsd,freebsd,gfdl_1_2,gfdl_1_3,gpl_1,gpl_2,gpl_3,lgpl_2_1,lgpl_3_0,mit,mozilla_1_0,mozilla_1_1,openssl,perl_5,postgresql,qpl_1_0,ssleay,sun,zlib,open_source,restricted,unrestricted,unknown}')
		UNION ALL
		SELECT 'release_status ' || (meta ->> 'release_status') WHERE meta ->> 'release_status' NOT IN ('stable', 'testing', 'unstable')
		UNION ALL
		SELECT 'version ' || v FROM (
			SELECT meta ->> 'version' UNION ALL SELECT meta -> 'meta-spec' ->> 'version'
			UNION ALL SELECT value ->> 'version' FROM jsonb_each(meta -> 'provides')
			UNION ALL SELECT range FROM jsonb_each(meta -> 'prereqs') phase, jsonb_each(phase.value) relation, jsonb_each_text(relation.value) r(term, range)) q(v)
		WHERE v IS NULL OR v !~ '^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-?[A-Za-z][0-9A-Za-z-]*)?$'
		UNION ALL
		SELECT 'prereqs ' || phase.key || ' ' || relation.key FROM jsonb_each(meta -> 'prereqs') phase, jsonb_each(phase.value) relation
		WHERE phase.key NOT IN ('configure', 'build', 'test', 'runtime', 'develop') OR relation.key NOT IN ('requires', 'recommends', 'suggests', 'conflicts')
		UNION ALL
		SELECT 'provides ' || key FROM jsonb_each(meta -> 'provides') WHERE NOT value ?& '{file,version}'
		UNION ALL
		SELECT 'resources ' || key FROM jsonb_object_keys(meta -> 'resources') key WHERE key NOT IN ('license', 'homepage', 'bugtracker', 'repository') AND key !~ '^[xX]_'
		UNION ALL
		SELECT 'no URL: ' || coalesce(url, 'NULL') FROM (VALUES (meta #>> '{resources,homepage}'), (meta #>> '{resources,bugtracker,web}'),
			(meta #>> '{resources,repository,web}'), (meta #>> '{resources,repository,url}'), (meta #>> '{meta-spec,url}')) u(url)
		WHERE url IS NULL OR url !~ '^(https?|git|ssh)://[^/]+'
		UNION ALL
		SELECT 'no address: ' || coalesce(meta #>> '{resources,bugtracker,mailto}', 'NULL') WHERE coalesce(meta #>> '{resources,bugtracker,mailto}', '') !~ '^[^@[:space:]]+@[^@[:space:]]+$'
		UNION ALL
		SELECT 'tag ' || tag FROM jsonb_array_elements_text(meta -> 'tags') tag WHERE tag !~ '^[^[:cntrl:]/\\\\]{1,255}$'
		UNION ALL
		SELECT 'released with a placeholder for an address' WHERE meta ->> 'release_status' = 'stable' AND meta::text LIKE '%.invalid%'
	) w(fault) ORDER BY fault"
}

is "$(wrong)" "" "META.json follows the PGXN Meta Spec"
is "$(meta "string_agg(DISTINCT v, ' ') FROM (SELECT :'meta'::jsonb) f(meta), LATERAL (SELECT meta ->> 'version' UNION SELECT value ->> 'version' FROM jsonb_each(meta -> 'provides')) q(v)")" "$semantic" "... with the control file's version"
is "$(meta "key || ' ' || (value ->> 'file') FROM jsonb_each(:'meta'::jsonb -> 'provides')")" "loyalty loyalty--$version.sql" "... and names the install script"
is "$(meta "value ->> 'docfile' FROM jsonb_each(:'meta'::jsonb -> 'provides')" | xargs ls)" README.md "... and a page that is there"

# That the rules see what they are for.
while IFS='|' read -r change fault; do
	whole=$meta
	meta=$(meta ":'meta'::jsonb $change")
	is "$(wrong)" "$fault" "a fault is seen: $fault"
	meta=$whole
done <<'CASES'
- 'abstract'|no abstract
#- '{provides,loyalty,file}'|provides loyalty
#- '{resources,repository,url}'|no URL: NULL
CASES
while IFS='|' read -r key value fault; do
	whole=$meta
	meta=$(meta "jsonb_set(:'meta', '{$key}', '$value')")
	is "$(wrong)" "$fault" "a fault is seen: $fault"
	meta=$whole
done <<'CASES'
license|"PostgreSQL"|license PostgreSQL
version|"1.0"|version 1.0
release_status|"stable"|released with a placeholder for an address
release_status|"final"|release_status final
name|"a/b"|name a/b
tags|["a/b"]|tag a/b
nosuch|1|unknown key nosuch
resources,homepage|"nowhere"|no URL: nowhere
resources,bugtracker,mailto|"nobody"|no address: nobody
resources,nosuch|""|resources nosuch
prereqs,runtime,needs|{}|prereqs runtime needs
prereqs,runtime,requires,PostgreSQL|"fifteen"|version fifteen
CASES

# With the flags of what is built, or all of that would be made anew.
make=(make -s PG_CONFIG="${PG_CONFIG-pg_config}" COPT="${COPT-}")
[ -z "${CC-}" ] || make+=(CC="$CC")
succeeds "make builds the install script" "${make[@]}" "loyalty--$version.sql"
is "$(sed -nE '1s/^[a-z]+ \(([^)~-]*).*/\1/p' debian/changelog)" "$version" "debian/changelog has that version"
is "$(grep -c PGVERSION debian/control.in)" "$(grep -cE 'postgresql-[0-9]+-loyalty|PostgreSQL [0-9]+' debian/control)" "debian/control is one version's of debian/control.in"
oldest=$(sed -n 's/+$//p' debian/pgversions)
is "$(meta ":'meta'::jsonb #>> '{prereqs,runtime,requires,PostgreSQL}'")" "$oldest.0.0" "META.json and debian/ agree on the oldest server"

# Needs a clone.
if git rev-parse --verify -q HEAD >/dev/null 2>&1; then
	succeeds "make dist" "${make[@]}" dist
	is "$(git archive --format=tar --prefix=x/ "--add-file=loyalty--$version.sql" HEAD | tar -t | grep -cxE "x/(META.json|Makefile|README.md|loyalty.control|loyalty--$version.sql|src/loyalty.c)")" 6 "... has what META.json names, and what builds"
fi
finish

# expand.awk
#	Joins the parts of the install script, and puts templates where a line asks for one:
#
#		\expand metric/result_type.sql TYPE=retention_result MAKER="retention()"
#
#	The file is found from this folder. @NAME@ in it stands for what NAME= gives, in double
#	quotes where that has blanks (and a double quote twice); @NAME_WITHOUT_DEFAULTS@ for the same
#	list of arguments without what they are by default, @NAME_BEFORE_AS_OF@ for those of them that
#	stand before as_of, to_day or until, each behind a comma. A line that ends with a backslash goes on in
#	the next one, and so does one inside of quotes. The comment at a file's head is left out. A
#	template may expand others. It is an error if there is no such file, if a name isn't given, or
#	if one that is given isn't used.
#
#	awk -f src/expand.awk PART...

function fail(place, message)
{
	print place ": " message > "/dev/stderr"
	failed = 1
	exit 1
}

# A line with the names of the call replaced; place is for errors.
function fill(line, place, call,    done, name, value, is_call, is_before, is_bare)
{
	done = ""
	is_call = asks(line)
	while (match(line, /@[A-Z][A-Z_]*@/)) {
		name = substr(line, RSTART + 1, RLENGTH - 2)
		done = done substr(line, 1, RSTART - 1)
		line = substr(line, RSTART + RLENGTH)
		is_before = sub(/_BEFORE_AS_OF$/, "", name)
		is_bare = sub(/_WITHOUT_DEFAULTS$/, "", name) || is_before
		if (!((call, name) in given))
			fail(place, "@" name "@ is not given")
		used[call, name] = 1
		value = given[call, name]
		if (is_bare)
			gsub(/ DEFAULT [^,]*/, "", value)
		if (is_before) {
			value = ", " value
			sub(/, (as_of|to_day|until) date.*/, "", value)
		}
		if (is_call)
			gsub(/"/, "\"\"", value)
		done = done value
	}
	return done line
}

function asks(line)
{
	return line ~ /^\\expand[ \t]/
}

# Does a line that asks go on in the next one?
function goes_on(line)
{
	return line ~ /\\$/ || gsub(/"/, "", line) % 2 == 1
}

# Does what a line with \expand asks for.
function expand(line, place,    call, path, name, value, rest, text, number)
{
	call = ++calls
	rest = substr(line, length("\\expand") + 1)
	sub(/^[ \t]+/, "", rest)
	path = rest
	sub(/[ \t].*/, "", path)
	rest = substr(rest, length(path) + 1)
	while (match(rest, /^[ \t]+[A-Z][A-Z_]*=("([^"]|"")*"|[^ \t"]+)/)) {
		value = substr(rest, RSTART, RLENGTH)
		rest = substr(rest, RSTART + RLENGTH)
		sub(/^[ \t]+/, "", value)
		name = value
		sub(/=.*/, "", name)
		value = substr(value, length(name) + 2)
		if (value ~ /^"/)
			value = substr(value, 2, length(value) - 2)
		gsub(/""/, "\"", value)
		given[call, name] = value
		names[call] = names[call] " " name
	}
	if (rest !~ /^[ \t]*$/)
		fail(place, "can't read this: " rest)
	put(folder path, call, place)
	number = split(names[call], text, " ")
	while (number > 0)
		if (!((call, text[number--]) in used))
			fail(place, path " doesn't use " text[number + 1])
}

# Writes a file; the names in it are those of a call, "" for none.
function put(path, call, place,    line, next_line, state, number, here, in_head)
{
	number = 0
	in_head = call != ""
	while ((state = (getline line < path)) > 0) {
		here = path ":" ++number
		in_head = in_head && line ~ /^(--|$)/
		if (in_head)
			continue
		while (asks(line) && goes_on(line)) {
			if (!sub(/\\$/, "", line))
				line = line "\n"
			if ((getline next_line < path) <= 0)
				fail(here, "this doesn't end")
			number++
			line = line next_line
		}
		if (call != "")
			line = fill(line, here, call)
		if (asks(line))
			expand(line, here)
		else
			print line
	}
	if (state < 0)
		fail(place, "there is no " path)
	close(path)
}

BEGIN {
	folder = "src/"
	for (part = 1; part < ARGC; part++) {
		print ""
		put(ARGV[part], "", "expand.awk")
	}
}

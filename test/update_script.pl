# Writes the statements that make a database with one version of the extension one with another.
#
# usage: perl update_script.pl OLD NEW SCHEMA
#
# OLD and NEW are dumps of two databases in which nothing is but the extension in its one version
# and in the other, in SCHEMA, made by pg_dump --binary-upgrade, which takes a dump of each member.
# What no statement can be made for is named on standard error, and the status is 1.
use strict;
use warnings;

my ($old_file, $new_file, $schema) = @ARGV;
my @by_hand;

# Entries in the order of a dump, which is one in which they can be created: each with its type, its
# statement, and its name as a statement about it has it.
sub entries
{
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!\n";
	local $/;
	my $text = <$in>;
	my (undef, @parts) = split /^--\n-- Name: .*; Type: (.*); Schema: .*; Owner: .*\n--\n/m, $text;
	my @entries;

	while (my ($type, $sql) = splice @parts, 0, 2)
	{
		my $name;

		$sql =~ s/^-- For binary upgrade, .*\n(?:SELECT pg_catalog\.binary_upgrade_.*;\n)?//mg;
		$sql =~ s/^SELECT pg_catalog\.binary_upgrade_.*;\n//mg;
		$sql =~ s/^SET .*;\n//mg;
		$sql =~ s/^\\(?:un)?restrict .*\n//mg;
		$sql =~ s/^ALTER .* OWNER TO .*;\n//mg;
		$sql =~ s/^--\n-- PostgreSQL database dump complete\n--\n//m;
		$sql =~ s/\b\Q$schema\E\.//g;
		$sql =~ s/'\$libdir\/loyalty'/'MODULE_PATHNAME'/g;
		$name = $1 if $sql =~ s/^ALTER EXTENSION loyalty ADD (.*);\n//m;
		$sql =~ s/^\s+|\s+$//g;
		$name = $1 if $type eq 'COMMENT' && $sql =~ /^(COMMENT ON .*?) IS '/;
		$name = "SHELL $1" if $type eq 'SHELL TYPE' && $sql =~ /^CREATE (.*);$/;
		# what is not the extension's: its schema, itself
		next if !defined $name || $name =~ /^COMMENT ON SCHEMA /;
		push @entries, { type => $type, sql => $sql, name => $name };
	}
	return @entries;
}

# The lines of a list of properties that differ: name => value in the new one.
sub changed_properties
{
	my ($old, $new) = @_;
	my ($old_of, $new_of) = map { my %p = $_ =~ /^    (\w+) = (.*?),?$/mg; \%p } $old, $new;
	my %changed = map { $_ => $new_of->{$_} // 'NONE' } grep { ($old_of->{$_} // '') ne ($new_of->{$_} // '') } keys %$old_of, keys %$new_of;
	return \%changed;
}

# A statement that sets properties, where all that differ are among those that can be set.
sub set_properties
{
	my ($old, $new, @can_be_set) = @_;
	my $changed = changed_properties($old->{sql}, $new->{sql});
	my %can = map { $_ => 1 } @can_be_set;

	return undef if !%$changed || grep { !$can{$_} } keys %$changed;
	return "ALTER $new->{name} SET (" . join(', ', map { "$_ = $changed->{$_}" } sort keys %$changed) . ');';
}

# What a function returns: that can't be replaced.
sub result
{
	my ($sql) = @_;
	my ($head) = $sql =~ /^(.*?)\n    LANGUAGE /s;

	$head //= $sql;
	return join ' ', $head =~ /\bRETURNS (.*)/s, $head =~ /\bOUT \S+ [^,)]+/g;
}

my @old = entries($old_file);
my @new = entries($new_file);
my %old = map { $_->{name} => $_ } @old;
my %new = map { $_->{name} => $_ } @new;
my (@drops, @creates, %made);

for my $entry (reverse @old)
{
	my ($type, $name) = @$entry{qw(type name)};

	next if $new{$name} || $type eq 'SHELL TYPE';
	if ($type eq 'COMMENT')
	{
		my ($of) = $name =~ /^COMMENT ON (.*)/;
		push @creates, "$name IS NULL;" if $new{$of};
	}
	elsif ($type =~ /^(FUNCTION|AGGREGATE|OPERATOR|OPERATOR CLASS|OPERATOR FAMILY|CAST)$/)
	{
		push @drops, "DROP $name;";
	}
	else
	{
		push @by_hand, "$name is gone: say what becomes of the values that are stored";
	}
}
for my $entry (@new)
{
	my ($type, $name, $sql) = @$entry{qw(type name sql)};
	my $before = $old{$name};
	my $statement;

	if ($type eq 'COMMENT')
	{
		my ($of) = $name =~ /^COMMENT ON (.*)/;
		push @creates, $sql if !$before || $made{$of} || $before->{sql} ne $sql;
		next;
	}
	next if $before && $before->{sql} eq $sql;
	if (!$before)
	{
		$statement = $sql;
		$made{$name} = 1;
	}
	elsif ($type eq 'AGGREGATE' || ($type eq 'FUNCTION' && result($sql) eq result($before->{sql})))
	{
		($statement = $sql) =~ s/^CREATE /CREATE OR REPLACE /;
	}
	elsif ($type eq 'FUNCTION' || $type eq 'CAST')
	{
		push @drops, "DROP $name;";
		$statement = $sql;
		$made{$name} = 1;
	}
	elsif ($type eq 'OPERATOR')
	{
		$statement = set_properties($before, $entry, qw(RESTRICT JOIN));
	}
	elsif ($type eq 'TYPE')
	{
		$statement = set_properties($before, $entry, qw(RECEIVE SEND STORAGE ANALYZE SUBSCRIPT TYPMOD_IN TYPMOD_OUT));
	}
	if (defined $statement)
	{
		push @creates, $statement;
	}
	else
	{
		push @by_hand, "$name has changed in a way that no statement makes of it";
	}
}
print map { "$_\n\n" } @drops, @creates;
print STDERR map { "$_\n" } @by_hand;
exit(@by_hand ? 1 : 0);

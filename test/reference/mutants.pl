#!/usr/bin/perl
# Reads lines "type hex", the binary form of a value each; writes into a folder files for
# COPY ... (FORMAT binary) with one row (hex text, value type) each, made from them by
# truncation, bit flips, random bytes, insertion, deletion and extreme numbers; and prints
# the psql script that loads them all into tables fuzz_<type>.
#
# usage: mutants.pl FOLDER
use strict;
use warnings;

my $folder = shift or die "usage: mutants.pl FOLDER\n";
my $files = 0;
my %seen;

# A generator of its own, so that the mutants are the same everywhere.
my $state = 20240229;
sub pick { my $n = shift; $state = ($state * 1103515245 + 12345) & 0x7fffffff; return int(($state >> 8) / (0x7fffffff >> 8) * $n * 0.9999); }

sub emit
{
	my ($type, $bytes) = @_;
	return if $seen{"$type $bytes"}++;
	my $hex = unpack 'H*', $bytes;
	my $file = sprintf '%s/%05d', $folder, $files++;
	open my $out, '>:raw', $file or die "$file: $!\n";
	print $out "PGCOPY\n\xff\r\n\0", pack('NN', 0, 0), pack('n', 2), pack('N/a*', $hex), pack('N/a*', $bytes), pack('n', 0xffff);
	close $out or die "$file: $!\n";
	printf "\\echo # %s %s\n\\copy fuzz_%s FROM '%s' (FORMAT binary)\n", $type, substr($hex, 0, 120), $type, $file;
}

while (my $line = <STDIN>)
{
	my ($type, $hex) = split ' ', $line;
	my $bytes = pack 'H*', $hex // '';
	my $len = length $bytes;
	my @places = $len <= 60 ? 0 .. $len - 1 : (0 .. 24, map { pick($len) } 1 .. 36);

	emit($type, $bytes);
	emit($type, substr $bytes, 0, $_) for @places;
	emit($type, substr $bytes, $_) for @places;
	emit($type, $bytes . $_) for "\0", "\x01", "\xff", "\0\0\0\0", $bytes;
	for my $at (@places)
	{
		for my $bit (pick(8), pick(8), $at < 12 ? (0 .. 7) : ())
		{
			my $mutant = $bytes;
			substr($mutant, $at, 1) = chr(ord(substr $mutant, $at, 1) ^ (1 << $bit));
			emit($type, $mutant);
		}
		for my $extreme ("\x7f\xff\xff\xff", "\x80\0\0\0", "\xff\xff\xff\xff", "\0\0\0\0", "\x10\0\0\0", "\xff" x 8, "\x7f" . "\xff" x 7, chr pick(256))
		{
			my $mutant = $bytes;
			substr($mutant, $at, length $extreme) = $extreme;
			emit($type, $mutant) if pick(2) == 0;
		}
		my $mutant = $bytes;
		substr($mutant, $at, 1) = '';
		emit($type, $mutant);
		$mutant = $bytes;
		substr($mutant, $at, 0) = chr pick(256);
		emit($type, $mutant);
	}
	for my $size (1 .. 40)
	{
		emit($type, join '', map { chr pick(256) } 1 .. $size);
		emit($type, substr($bytes, 0, 1) . join '', map { chr pick(pick(2) ? 256 : 4) } 1 .. $size);
	}
}

#!/usr/bin/perl
# The links in Markdown files that lead nowhere: to a file that isn't there, or to a heading that the
# file doesn't have. What begins with a scheme (https:) isn't looked at. Exits with 1 where there is one.
#
# usage: links.pl file.md...
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));
use File::Basename qw(dirname);

# Lines outside of code, by number.
sub prose
{
	my ($path) = @_;
	my ($inside, %lines) = (0);

	open my $file, '<', $path or die "$path: $!\n";
	while (<$file>) {
		if (/^ *```/) { $inside = !$inside; next }
		$lines{$.} = $_ unless $inside;
	}
	return \%lines;
}

# The anchors of a file's headings, as GitHub makes them: a second one of a name is name-1.
my %anchors;
sub anchors
{
	my ($path) = @_;
	return $anchors{$path} if $anchors{$path};
	my ($lines, %seen, %found) = (prose($path));

	for my $n (sort { $a <=> $b } keys %$lines) {
		next unless $lines->{$n} =~ /^#{1,6} +(.*?)\s*$/;
		my $text = lc $1;
		$text =~ s/\[([^]]*)\]\([^)]*\)/$1/g;
		$text =~ s/[^\w\- ]//g;
		$text =~ tr/ /-/;
		$found{ $seen{$text}++ ? "$text-" . ($seen{$text} - 1) : $text } = 1;
	}
	return $anchors{$path} = \%found;
}

my $wrong = 0;
for my $path (@ARGV) {
	my $lines = prose($path);
	for my $n (sort { $a <=> $b } keys %$lines) {
		(my $line = $lines->{$n}) =~ s/`[^`]*`/code/g;
		while ($line =~ /\]\(([^)\s]+)\)/g) {
			my $link = $1;
			next if $link =~ /^[a-z]+:/;
			my ($file, $anchor) = split /#/, $link, 2;
			my $target = $file eq '' ? $path : dirname($path) eq '.' ? $file : dirname($path) . "/$file";
			$target =~ s{[^/]+/\.\./}{};
			my $fault = !-e $target ? "no $target"
				: defined $anchor && $target =~ /\.md$/ && !anchors($target)->{$anchor} ? "$target has no heading #$anchor"
				: next;
			print "$path:$n: ($link): $fault\n";
			$wrong = 1;
		}
	}
}
exit $wrong;

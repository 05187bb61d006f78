use strict;
use warnings;

my $sum = 0;
$sum += $_ while <STDIN>;
print "sum $sum\n";

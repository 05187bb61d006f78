package Report::Sales;
use strict;
use warnings;
use Text::CSV;

sub totals {
    my ($path) = @_;
    my %total;
    open my $file, '<', $path or die "cannot read $path: $!\n";
    my $csv = Text::CSV->new;
    while (my $row = $csv->getline($file)) {
        $total{ $row->[0] } += $row->[1];
    }
    return \%total;
}

1;

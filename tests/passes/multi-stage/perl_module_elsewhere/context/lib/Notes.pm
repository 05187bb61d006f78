package Notes;

our $VERSION = "1.0";

1;

MODULE = Notes PACKAGE = Notes

int
number()
    CODE:
        RETVAL = 7;
    OUTPUT:
        RETVAL

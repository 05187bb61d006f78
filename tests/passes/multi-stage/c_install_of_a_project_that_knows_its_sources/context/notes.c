#include <stdio.h>

int main(void) {
    return fopen(DATA, "r") == NULL;
}

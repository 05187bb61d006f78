#include <stdio.h>

int number(void);

int main(void) {
    printf("%d\n", number());
}

#include <stdio.h>
#include <stdlib.h>
#include <readline/readline.h>

static const struct { int value; const char *text; } digits[] = {
    {1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
    {40, "XL"},  {10, "X"},   {9, "IX"},  {5, "V"},    {4, "IV"},  {1, "I"},
};

static void print(int number)
{
    for (size_t i = 0; i < sizeof digits / sizeof *digits; i++)
        for (; number >= digits[i].value; number -= digits[i].value)
            fputs(digits[i].text, stdout);
    putchar('\n');
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            print(atoi(argv[i]));
        return 0;
    }
    fprintf(stderr, "readline %s: no number given\n", rl_library_version);
    return 64;
}

#include "ruby.h"

void Init_count(void) {
}

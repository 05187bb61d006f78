#include "geo/distance.h"

#include <cmath>
#include <cstdio>

int main() {
    double km = geo::distance(48.85, 2.35, 52.52, 13.4);
    std::printf("%.1f\n", km);
    return std::abs(km - 878) < 3 ? 0 : 1;
}

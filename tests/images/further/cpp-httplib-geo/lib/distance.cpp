#include "geo/distance.h"

#include <cmath>

double geo::distance(double lat1, double lon1, double lat2, double lon2) {
    const double radian = M_PI / 180;
    double a = std::pow(std::sin((lat2 - lat1) * radian / 2), 2) +
               std::cos(lat1 * radian) * std::cos(lat2 * radian) * std::pow(std::sin((lon2 - lon1) * radian / 2), 2);
    return 2 * 6371.0 * std::asin(std::sqrt(a));
}

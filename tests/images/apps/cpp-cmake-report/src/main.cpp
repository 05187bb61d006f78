#include <fmt/core.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <png.h>

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    std::ifstream file(argv[1]);
    if (!file) {
        fmt::print("cannot read {}\n", argv[1]);
        return 1;
    }
    const auto report = nlohmann::json::parse(file);
    int sum = 0;
    for (const auto &row : report["rows"])
        sum += row.get<int>();
    fmt::print("{}: {} rows, sum {}\n", report["title"].get<std::string>(), report["rows"].size(), sum);
    fmt::print("png {}\n", png_get_libpng_ver(nullptr)[0]);
}

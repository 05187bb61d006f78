#pragma once

#include <optional>
#include <string>
#include <vector>

struct sqlite3;

namespace geo {
struct Place {
    std::string name;
    double lat, lon;
};

class Places {
public:
    explicit Places(const std::string& path);
    ~Places();
    Places(const Places&) = delete;
    Places& operator=(const Places&) = delete;

    std::vector<Place> all() const;
    std::optional<Place> find(const std::string& name) const;

private:
    sqlite3* db = nullptr;
};
}

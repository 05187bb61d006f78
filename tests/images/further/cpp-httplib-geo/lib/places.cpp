#include "geo/places.h"

#include <sqlite3.h>

#include <stdexcept>

namespace geo {

Places::Places(const std::string& path) {
    if (sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_FULLMUTEX, nullptr) != SQLITE_OK)
        throw std::runtime_error("cannot open " + path + ": " + sqlite3_errmsg(db));
}

Places::~Places() { sqlite3_close(db); }

std::vector<Place> Places::all() const {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db, "SELECT name, lat, lon FROM place ORDER BY name", -1, &statement, nullptr) != SQLITE_OK)
        throw std::runtime_error(sqlite3_errmsg(db));
    std::vector<Place> found;
    while (sqlite3_step(statement) == SQLITE_ROW)
        found.push_back({reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)),
                         sqlite3_column_double(statement, 1), sqlite3_column_double(statement, 2)});
    sqlite3_finalize(statement);
    return found;
}

std::optional<Place> Places::find(const std::string& name) const {
    for (auto& place : all())
        if (place.name == name) return place;
    return std::nullopt;
}

}

#include <httplib.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "geo/distance.h"
#include "geo/places.h"

using nlohmann::json;

static httplib::Server server;

static std::string read(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

int main(int argc, char** argv) {
    int port = 8080;
    std::string data = GEOD_DATA;
    for (int i = 1; i < argc; i++) {
        if (!std::strcmp(argv[i], "--version")) return puts("geod " GEOD_VERSION), 0;
        if (!std::strcmp(argv[i], "--port") && i + 1 < argc) port = std::atoi(argv[++i]);
        else if (!std::strcmp(argv[i], "--data") && i + 1 < argc) data = argv[++i];
        else return fprintf(stderr, "usage: geod [--version] [--port N] [--data DIR]\n"), 2;
    }
    geo::Places places(data + "/places.db");

    server.Get("/", [&](const httplib::Request&, httplib::Response& res) { res.set_content(read(data + "/page.html"), "text/html"); });
    server.Get("/ping", [](const httplib::Request&, httplib::Response& res) { res.set_content("pong\n", "text/plain"); });
    server.Get("/places", [&](const httplib::Request&, httplib::Response& res) {
        json list = json::array();
        for (auto& place : places.all()) list.push_back({{"name", place.name}, {"lat", place.lat}, {"lon", place.lon}});
        res.set_content(list.dump(), "application/json");
    });
    server.Get(R"(/distance/(\w+)/(\w+))", [&](const httplib::Request& req, httplib::Response& res) {
        auto from = places.find(req.matches[1]), to = places.find(req.matches[2]);
        if (!from || !to) {
            res.status = 404;
            res.set_content("unknown place\n", "text/plain");
            return;
        }
        res.set_content(fmt::format("{:.0f} km\n", geo::distance(from->lat, from->lon, to->lat, to->lon)), "text/plain");
    });

    std::signal(SIGINT, [](int) { server.stop(); });
    spdlog::info("geod {} on port {}", GEOD_VERSION, port);
    if (!server.listen("0.0.0.0", port)) {
        spdlog::error("cannot listen on {}", port);
        return 1;
    }
    spdlog::info("stopped");
}

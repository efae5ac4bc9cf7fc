// `countersign serve`: workers, the control thread (signals, credentials, admin) and their life.
#pragma once

#include "conf/config.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace countersign::proxy {

// What the command line adds to (and sets over) the configuration.
struct serve_arguments {
    std::optional<std::filesystem::path> config;
    std::vector<std::string> listen;
    std::string admin; // "" = from the file, "off" = none
    std::string profile, region, access_key_id, secret_access_key_file;
    std::string log_level, log_format;
};

// Runs until SIGTERM or SIGINT and the drain after it. Exit status.
int run_serve(const serve_arguments& a);

} // namespace countersign::proxy

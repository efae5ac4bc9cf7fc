// The files in which the AWS CLI keeps tokens and logins, which others read and write too: their names, and how they
// are written back. It must never lose a token that was exchanged for the one in the file: where the file cannot be
// written, memory keeps the text. Control thread only.
#pragma once

#include "chain/profile_sources.hpp"
#include "chain/task.hpp"
#include "chain/world.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::chain {

// Others refresh too; and a service that refuses is not asked all the time.
inline constexpr std::chrono::minutes refresh_before_end{5};
inline constexpr std::chrono::seconds refresh_pause{30};

struct cache_place {
    std::string file;
};

// ~/.aws/sso/cache/<lower hex SHA-1 of the session's name, or of the start URL>.json. A failure: HOME is not set.
result<cache_place> sso_cache_file(const world& outside, std::string_view name);

// <AWS_LOGIN_CACHE_DIRECTORY or ~/.aws/login/cache>/<lower hex SHA-256 of the trimmed session>.json.
result<cache_place> login_cache_file(const world& outside, std::string_view session);

// The text that counts: the file's, or the newer one in memory. None: there is no such file.
result<std::optional<secret>> read_cache(const world& outside, const std::string& file, const source_memory& memory);

// `old_text` is what read_cache gave.
void write_cache(
    world& outside, const std::string& file, const secret& old_text, secret new_text, source_memory& memory
);

// False when less than refresh_pause has passed; else notes that it is tried now.
bool begin_refresh(const world& outside, const std::string& file, source_memory& memory);

} // namespace countersign::chain

#include "chain/cache_file.hpp"

#include "chain/path_setting.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <string>
#include <utility>

namespace countersign::chain {

namespace {

// "" when OpenSSL refuses the algorithm (a FIPS provider without SHA-1).
std::string hex_hash_of(std::string_view text, const EVP_MD* algorithm) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    std::string hex;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, algorithm, nullptr) == 1) {
        for (unsigned i = 0; i < size; ++i) {
            hex += fmt::format("{:02x}", digest[i]);
        }
    }
    return hex;
}

result<cache_place> file_in(const std::optional<std::string>& folder, const std::string& hash) {
    if (!folder) {
        return failure{"HOME is not set, so there is no place for the cache of the AWS CLI"};
    }
    if (hash.empty()) {
        return failure{"OpenSSL has no hash for the name of the cache file (SHA-1 is switched off?)"};
    }
    return cache_place{fmt::format("{}/{}.json", *folder, hash)};
}

} // namespace

result<cache_place> sso_cache_file(const world& outside, std::string_view name) {
    return file_in(expanded_path(outside, "~/.aws/sso/cache"), hex_hash_of(name, EVP_sha1()));
}

result<cache_place> login_cache_file(const world& outside, std::string_view session) {
    return file_in(
        path_setting(outside, "AWS_LOGIN_CACHE_DIRECTORY", "~/.aws/login/cache"),
        hex_hash_of(trimmed(session), EVP_sha256())
    );
}

result<std::optional<secret>> read_cache(const world& outside, const std::string& file, const source_memory& memory) {
    auto text = outside.read_file(file, longest_token_file);
    if (text && *text && memory.file == file && !memory.text.empty() &&
        signer::sha256_of((*text)->reveal()) == memory.replaces) {
        return std::optional<secret>{memory.text};
    }
    return text;
}

void write_cache(
    world& outside, const std::string& file, const secret& old_text, secret new_text, source_memory& memory
) {
    memory.file = file;
    if (!outside.write_file(file, new_text.reveal())) {
        memory.text = secret{};
        return;
    }
    // A text that was in memory already stands for the same file as before.
    if (memory.text.empty() || memory.text.reveal() != old_text.reveal()) {
        memory.replaces = signer::sha256_of(old_text.reveal());
    }
    memory.text = std::move(new_text);
}

bool begin_refresh(const world& outside, const std::string& file, source_memory& memory) {
    const auto now = outside.now();
    if (memory.file == file && now >= memory.tried && now - memory.tried < refresh_pause) {
        return false;
    }
    if (memory.file != file) {
        memory = source_memory{};
    }
    memory.file = file;
    memory.tried = now;
    return true;
}

} // namespace countersign::chain

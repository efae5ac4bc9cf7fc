#include "proxy/sandbox/bucket.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace countersign::proxy::sandbox {

namespace {

constexpr std::size_t entry_cost = 512;

std::size_t cost(std::string_view key, const object& o) noexcept {
    std::size_t bytes = entry_cost + key.size() + o.body.size() + o.content_type.size();
    for (const field& f : o.kept) {
        bytes += f.name.size() + f.value.size();
    }
    return bytes;
}

} // namespace

bucket_error bucket_set::create(std::string_view name, std::chrono::sys_seconds now) {
    if (!is_bucket_name(name)) {
        return bucket_error::bucket_name;
    }
    if (buckets_.contains(name)) {
        return bucket_error::bucket_exists;
    }
    if (used_ + entry_cost > capacity_) {
        return bucket_error::full;
    }
    buckets_.emplace(name, bucket{now, {}});
    used_ += entry_cost;
    return bucket_error::none;
}

bucket_error bucket_set::remove(std::string_view name) {
    const auto found = buckets_.find(name);
    if (found == buckets_.end()) {
        return bucket_error::no_such_bucket;
    }
    if (!found->second.objects.empty()) {
        return bucket_error::bucket_not_empty;
    }
    buckets_.erase(found);
    used_ -= entry_cost;
    return bucket_error::none;
}

bucket_error bucket_set::store(std::string_view where, std::string_view key, object what) {
    const auto found = buckets_.find(where);
    if (found == buckets_.end()) {
        return bucket_error::no_such_bucket;
    }
    auto& objects = found->second.objects;
    const auto old = objects.find(key);
    const std::size_t freed = old == objects.end() ? 0 : cost(key, old->second);
    const std::size_t needed = cost(key, what);
    if (used_ - freed + needed > capacity_) {
        return bucket_error::full;
    }
    used_ = used_ - freed + needed;
    objects.insert_or_assign(std::string(key), std::move(what));
    return bucket_error::none;
}

bucket_error bucket_set::erase(std::string_view where, std::string_view key) {
    const auto found = buckets_.find(where);
    if (found == buckets_.end()) {
        return bucket_error::no_such_bucket;
    }
    auto& objects = found->second.objects;
    if (const auto old = objects.find(key); old != objects.end()) {
        used_ -= cost(key, old->second);
        objects.erase(old);
    }
    return bucket_error::none;
}

const bucket_set::bucket* bucket_set::find(std::string_view name) const noexcept {
    const auto found = buckets_.find(name);
    return found == buckets_.end() ? nullptr : &found->second;
}

const object* bucket_set::find(std::string_view where, std::string_view key) const noexcept {
    const bucket* b = find(where);
    if (!b) {
        return nullptr;
    }
    const auto found = b->objects.find(key);
    return found == b->objects.end() ? nullptr : &found->second;
}

listing list_objects(const bucket_set::bucket& where, const list_question& what) {
    listing out;
    // A continuation after a common prefix has to skip everything below it: 'photos/' < 'photos/a'.
    const auto skipped = [&](std::string_view key) {
        return key <= what.after || (!what.delimiter.empty() && what.after.ends_with(what.delimiter) &&
                                     key.starts_with(what.after) && what.after.size() > what.prefix.size());
    };
    for (auto at = where.objects.lower_bound(what.prefix); at != where.objects.end(); ++at) {
        const std::string_view key = at->first;
        if (!key.starts_with(what.prefix)) {
            break;
        }
        if (!what.after.empty() && skipped(key)) {
            continue;
        }
        const std::size_t cut =
            what.delimiter.empty() ? std::string_view::npos : key.find(what.delimiter, what.prefix.size());
        const bool folds = cut != std::string_view::npos;
        const std::string_view shown = folds ? key.substr(0, cut + what.delimiter.size()) : key;
        if (folds && !out.common_prefixes.empty() && out.common_prefixes.back() == shown) {
            continue;
        }
        if (out.objects.size() + out.common_prefixes.size() == what.most) {
            out.truncated = what.most > 0;
            break;
        }
        if (folds) {
            out.common_prefixes.emplace_back(shown);
        } else {
            out.objects.push_back({key, &at->second});
        }
        out.last = shown;
    }
    return out;
}

bool is_bucket_name(std::string_view name) noexcept {
    const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    if (name.size() < 3 || name.size() > 63 || !is_plain(name.front()) || !is_plain(name.back())) {
        return false;
    }
    return std::all_of(name.begin(), name.end(), [&](char c) { return is_plain(c) || c == '.' || c == '-'; });
}

std::string etag_of(std::string_view body) {
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_Digest(body.data(), body.size(), sum, &size, EVP_md5(), nullptr) != 1) {
        throw std::runtime_error("OpenSSL has no MD5 for an ETag (it is in FIPS mode?)");
    }
    std::string out = "\"";
    for (unsigned i = 0; i < size; ++i) {
        out += fmt::format("{:02x}", sum[i]);
    }
    return out + '"';
}

} // namespace countersign::proxy::sandbox

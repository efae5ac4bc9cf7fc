#include "proxy/sandbox/s3.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace countersign::proxy::sandbox {

namespace {

service_error error_of(bucket_error e, const s3_place& where) {
    switch (e) {
    case bucket_error::no_such_bucket:
        return no_such_bucket(where);
    case bucket_error::bucket_exists:
        return {
            409,
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
            {{"BucketName", where.bucket}}};
    case bucket_error::bucket_not_empty:
        return {409, "BucketNotEmpty", "The bucket you tried to delete is not empty", {{"BucketName", where.bucket}}};
    case bucket_error::bucket_name:
        return {400, "InvalidBucketName", "The specified bucket is not valid.", {{"BucketName", where.bucket}}};
    case bucket_error::full:
        return {507, "SandboxFull", "The sandbox keeps 16 MiB in all. Delete something, or start it anew."};
    case bucket_error::none:
        break;
    }
    return {500, "InternalError", "We encountered an internal error. Please try again."};
}

service_error not_implemented(std::string_view what) {
    return {501, "NotImplemented", fmt::format("The sandbox's S3 does not implement {}.", what)};
}

service_error method_not_allowed() {
    return {405, "MethodNotAllowed", "The specified method is not allowed against this resource."};
}

service_error no_such_key(const s3_place& where) {
    return {404, "NoSuchKey", "The specified key does not exist.", {{"Key", where.key}}};
}

// Query parameters that choose no other operation. Anything else does (?acl, ?uploads, …) and is refused.
bool is_harmless(std::string_view name) noexcept {
    constexpr std::array known{
        "x-fault",
        "x-id",
        "list-type",
        "prefix",
        "delimiter",
        "max-keys",
        "continuation-token",
        "start-after",
        "marker",
        "encoding-type",
        "fetch-owner",
        "location",
    };
    if (equals_any_case(name.substr(0, 6), "x-amz-")) {
        return true;
    }
    return std::any_of(known.begin(), known.end(), [&](std::string_view k) { return k == name; });
}

bool is_kept(std::string_view name) noexcept {
    constexpr std::array known{
        "cache-control", "content-disposition", "content-encoding", "content-language", "expires"};
    if (equals_any_case(name.substr(0, 11), "x-amz-meta-")) {
        return true;
    }
    return std::any_of(known.begin(), known.end(), [&](std::string_view k) { return equals_any_case(k, name); });
}

} // namespace

service_error no_such_bucket(const s3_place& where) {
    return {404, "NoSuchBucket", "The specified bucket does not exist", {{"BucketName", where.bucket}}};
}

s3::outcome s3::respond(const request& ask, std::chrono::sys_seconds now) {
    for (const field& f : parse_form(ask.query)) {
        if (!is_harmless(f.name)) {
            return not_implemented(fmt::format("the parameter {}", percent_encode(f.name)));
        }
    }
    const s3_place where = place_of(ask.host(), ask.path);
    if (where.bucket.empty()) {
        if (ask.method != "GET") {
            return method_not_allowed();
        }
        return account();
    }
    return where.key.empty() ? bucket(ask, where, now) : object_of(ask, where, now);
}

s3::outcome s3::bucket(const request& ask, const s3_place& where, std::chrono::sys_seconds now) {
    const auto answered = [&](bucket_error e, unsigned status) -> outcome {
        if (e != bucket_error::none) {
            return error_of(e, where);
        }
        answer a;
        a.status = status;
        return a;
    };
    if (ask.method == "PUT") {
        outcome made = answered(buckets_.create(where.bucket, now), 200);
        if (auto* a = std::get_if<answer>(&made)) {
            a->headers.push_back({"Location", "/" + where.bucket});
        }
        return made;
    }
    if (ask.method == "DELETE") {
        return answered(buckets_.remove(where.bucket), 204);
    }
    if (ask.method == "HEAD") {
        return answered(buckets_.find(where.bucket) ? bucket_error::none : bucket_error::no_such_bucket, 200);
    }
    if (ask.method != "GET") {
        return method_not_allowed();
    }
    return list(where, parse_form(ask.query));
}

s3::outcome s3::object_of(const request& ask, const s3_place& where, std::chrono::sys_seconds now) {
    if (ask.method == "PUT") {
        return put(ask, where, now);
    }
    if (ask.method == "GET" || ask.method == "HEAD") {
        return get(ask, where);
    }
    if (ask.method != "DELETE") {
        return method_not_allowed();
    }
    if (const bucket_error e = buckets_.erase(where.bucket, where.key); e != bucket_error::none) {
        return error_of(e, where);
    }
    answer a;
    a.status = 204;
    return a;
}

s3::outcome s3::get(const request& ask, const s3_place& where) const {
    if (!buckets_.find(where.bucket)) {
        return error_of(bucket_error::no_such_bucket, where);
    }
    const object* found = buckets_.find(where.bucket, where.key);
    if (!found) {
        return no_such_key(where);
    }
    const byte_range range = parse_range(ask.header("range"), found->body.size());
    if (range.kind == range_kind::unsatisfiable) {
        return service_error{416, "InvalidRange", "The requested range is not satisfiable"};
    }
    answer a = text_answer(200, found->content_type, found->body);
    a.headers.push_back({"ETag", found->etag});
    a.headers.push_back({"Last-Modified", http_time(found->modified)});
    a.headers.push_back({"Accept-Ranges", "bytes"});
    a.headers.insert(a.headers.end(), found->kept.begin(), found->kept.end());
    if (!found->etag.empty() && ask.header("if-none-match") == found->etag) {
        a.status = 304;
        a.body.clear();
    } else if (range.kind == range_kind::part) {
        a.status = 206;
        a.headers.push_back(
            {"Content-Range", fmt::format("bytes {}-{}/{}", range.first, range.last, found->body.size())}
        );
        a.body = found->body.substr(range.first, range.last - range.first + 1);
    }
    return a;
}

s3::outcome s3::put(const request& ask, const s3_place& where, std::chrono::sys_seconds now) {
    if (!ask.header("x-amz-copy-source").empty()) {
        return not_implemented("copies");
    }
    object made;
    made.body = ask.body;
    made.content_type = ask.header("content-type");
    if (made.content_type.empty()) {
        made.content_type = "binary/octet-stream";
    }
    for (const field& f : ask.headers) {
        if (is_kept(f.name)) {
            made.kept.push_back(f);
        }
    }
    made.etag = etag_of(made.body);
    made.modified = now;
    answer a;
    a.headers.push_back({"ETag", made.etag});
    if (const bucket_error e = buckets_.store(where.bucket, where.key, std::move(made)); e != bucket_error::none) {
        return error_of(e, where);
    }
    return a;
}

} // namespace countersign::proxy::sandbox

#include "signer/difference_cause.hpp"

#include "signer/canonical.hpp"
#include "signer/claim.hpp"
#include "signer/headers.hpp"
#include "signer/sha256.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace countersign::signer {
namespace {

std::string decoded(std::string_view text, plus_sign plus) {
    std::string plain;
    for (std::size_t i = 0; i < text.size();) {
        plain += decode_next(text, i, plus);
    }
    return plain;
}

std::string encoded(std::string_view text, const byte_set& kept) {
    std::string result(3 * text.size(), '\0');
    pen out(result.data());
    out.put_encoded(text, kept);
    result.resize(out.since(result.data()).size());
    return result;
}

std::string canonical_path(std::string_view path, path_rule rule) {
    std::string result(canonical_path_bound(path), '\0');
    pen out(result.data());
    put_canonical_path(path, rule, out);
    result.resize(out.since(result.data()).size());
    return result;
}

std::string without_blanks(std::string_view text) {
    std::string rest(text);
    std::erase_if(rest, [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); });
    return rest;
}

bool has_lower_hex(std::string_view text) {
    for (std::size_t at = text.find('%'); at != std::string_view::npos && at + 2 < text.size();
         at = text.find('%', at + 1)) {
        if (text[at + 1] >= 'a' || text[at + 2] >= 'a') {
            return true;
        }
    }
    return false;
}

// The two spellings of one text, where it is one. "" where it is not.
std::string cause_of_spelling(std::string_view ours, std::string_view theirs, const byte_set& kept) {
    if (encoded(ours, kept) == theirs) {
        return "the server encodes once more: we left %XX alone";
    }
    if (encoded(theirs, kept) == ours) {
        return "we encoded twice: % became %25";
    }
    if (decoded(ours, plus_sign::literal) == decoded(theirs, plus_sign::literal)) {
        if (has_lower_hex(ours) != has_lower_hex(theirs)) {
            return joined(
                {has_lower_hex(ours) ? "we have" : "the server has",
                 " lower-case hex digits: %XX is upper-case in a "
                 "canonical request"}
            );
        }
        return "the same text, percent-encoded differently: all but A-Z a-z 0-9 - _ . ~ is encoded, and nothing else";
    }
    if (decoded(ours, plus_sign::blank) == decoded(theirs, plus_sign::blank)) {
        return "one side reads + as a blank (%20), the other as a plus (%2B): send %20 or %2B, never a raw +";
    }
    return {};
}

bool is_hash(std::string_view text) {
    return is_lower_hex_hash(text);
}

std::string cause_of_host(std::string_view ours, std::string_view theirs) {
    if (lower(ours) == lower(theirs)) {
        return "the host name is signed in lower case";
    }
    const std::string_view our_name = ours.substr(0, ours.find(':'));
    const std::string_view their_name = theirs.substr(0, theirs.find(':'));
    if (our_name == their_name) {
        return "the port: it is part of Host, and so of the signature, unless it is the scheme's own (80, 443)";
    }
    return "the request reached the server under another Host than it was signed for: a proxy, a CDN or a tunnel in "
           "between rewrites it";
}

std::vector<std::string_view> parts_of(std::string_view text) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find('/');
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

} // namespace

std::string cause_of_method(std::string_view ours, std::string_view theirs) {
    return lower(ours) == lower(theirs) ? "methods are case-sensitive and signed as they stand"
                                        : "the method was changed on the way, or another one was signed than was sent";
}

std::string cause_of_path(std::string_view ours, std::string_view theirs) {
    if (encoded(ours, unreserved_and_slash) == theirs) {
        return "the server encodes the path twice and we did once: double encoding is right for every service but S3";
    }
    if (encoded(theirs, unreserved_and_slash) == ours) {
        return "we encoded the path twice and the server does once: S3 signs the path as it is sent (service s3, or "
               "--no-double-encode)";
    }
    if (std::string cause = cause_of_spelling(ours, theirs, unreserved_and_slash); !cause.empty()) {
        return cause;
    }
    for (const path_rule rule : {path_rule::normalized_only, path_rule::standard}) {
        if (canonical_path(ours, rule) == theirs) {
            return "the server removes empty segments, . and .. from the path and we did not: S3 alone keeps them";
        }
        if (canonical_path(theirs, rule) == ours) {
            return "we removed empty segments, . and .. from the path and the server keeps them: S3 does "
                   "(--no-normalize-path)";
        }
    }
    const bool is_longer = theirs.size() > ours.size();
    const std::string_view longer = is_longer ? theirs : ours;
    const std::string_view shorter = is_longer ? ours : theirs;
    if (longer.size() == shorter.size() + 1 && longer.starts_with(shorter) && longer.back() == '/') {
        return joined({"a final slash that ", is_longer ? "we did not sign" : "the server did not get"});
    }
    if (longer.ends_with(shorter)) {
        return joined(
            {"something in between ",
             is_longer ? "puts " : "takes ",
             longer.substr(0, longer.size() - shorter.size()),
             is_longer ? " in front of the path" : " off the path",
             ": sign the path that the server sees"}
        );
    }
    return "the path was rewritten on the way, or another one was signed than was sent";
}

std::string cause_of_parameter(std::string_view ours, std::string_view theirs) {
    std::string cause = cause_of_spelling(ours, theirs, unreserved);
    return cause.empty() ? "the value was changed on the way, or another one was signed than was sent" : cause;
}

std::string cause_of_header(std::string_view name, std::string_view ours, std::string_view theirs) {
    if (name == "host") {
        return cause_of_host(ours, theirs);
    }
    if (without_blanks(ours) == without_blanks(theirs)) {
        return ours.find(',') == std::string_view::npos
                   ? "blanks: the ends are trimmed, and a run of them becomes one"
                   : "blanks: ends are trimmed, runs become one, and repeated headers are joined by a comma alone";
    }
    if (lower(ours) == lower(theirs)) {
        return "the value's case was changed: values are signed as they stand";
    }
    if (theirs.empty()) {
        return "the header was dropped on the way, or signed and not sent";
    }
    if (is_skipped(name) || name == "content-length" || name == "accept-encoding" || name.starts_with("x-forwarded-")) {
        return "something in between changes this header: do not sign it";
    }
    if (theirs.size() > ours.size() && theirs.starts_with(ours) && theirs[ours.size()] == ',') {
        return "the header reached the server more than once: something in between adds to it";
    }
    return "the header was changed on the way, or another value was signed than was sent";
}

std::string cause_of_signed_headers(std::string_view ours, std::string_view theirs) {
    return lower(ours) == lower(theirs) ? "names are signed in lower case"
                                        : "the list that was sent is not the one that was signed; it is sorted, and "
                                          "parted by ';'";
}

std::string cause_of_payload_hash(std::string_view ours, std::string_view theirs) {
    if (ours == "UNSIGNED-PAYLOAD") {
        return "we signed UNSIGNED-PAYLOAD, the server hashes the body: this service (or this kind of request) does "
               "not "
               "take unsigned bodies";
    }
    if (theirs == "UNSIGNED-PAYLOAD") {
        return "we signed the body's hash, the server takes UNSIGNED-PAYLOAD: so it is for presigned S3 URLs";
    }
    if (!is_hash(ours) || !is_hash(theirs)) {
        return "x-amz-content-sha256 is not what was signed: a chunked (STREAMING-…) body on one side only";
    }
    if (lower(ours) == lower(theirs)) {
        return "hashes are written in lower-case hex";
    }
    if (ours == empty_hash) {
        return "we signed an empty body, the server got one (or x-amz-content-sha256 says so)";
    }
    if (theirs == empty_hash) {
        return "the server got no body: it was lost on the way, as in a redirect, or not sent";
    }
    return "the body is not the one that was signed: compressed, converted or cut on the way, or hashed before it was "
           "changed";
}

std::string cause_of_scope(std::string_view ours, std::string_view theirs) {
    const auto mine = parts_of(ours);
    const auto server = parts_of(theirs);
    if (mine.size() != server.size()) {
        return "one side signs with a region (SigV4), the other without (SigV4A)";
    }
    constexpr std::array<std::string_view, 4> names{"day", "region", "service", "end"};
    for (std::size_t i = 0; i < mine.size(); ++i) {
        if (mine[i] != server[i]) {
            const std::string_view name = mine.size() == names.size() ? names[i] : std::string_view("part");
            return joined({"another ", name, ": sign for ", server[i], " instead of ", mine[i]});
        }
    }
    return {};
}

} // namespace countersign::signer

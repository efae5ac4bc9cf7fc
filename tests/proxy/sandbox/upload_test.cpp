#include "proxy/sandbox/upload.hpp"
#include "signer/chunk_encoder.hpp"
#include "signer/key.hpp"
#include "signer/sigv4.hpp"
#include "signer/sigv4a.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::proxy::sandbox {
namespace upload_test {

using signer::checksum_kind;
using signer::chunk_form;
using testing::HasSubstr;

const std::chrono::sys_seconds noon{std::chrono::seconds(1440936000)}; // 2015-08-30T12:00:00Z
constexpr std::string_view day = "20150830";
const identity who{std::string(demo_access_key_id), std::string(demo_secret_access_key), "", "", "", {}};

struct upload {
    chunk_form form = chunk_form::signed_v4;
    std::optional<checksum_kind> sum = {};
    std::string codings = "aws-chunked";
    std::string secret{demo_secret_access_key}; // of the chunks
    std::optional<std::size_t> said_length = {};
};

struct signature {
    std::vector<field> fields;
    std::string date, scope, seed;
};

template <class Key>
signature sign_head(const request& ask, const Key& key, std::string_view hash) {
    std::vector<signer::header> headers;
    for (const field& f : ask.headers) {
        headers.push_back({f.name, f.value});
    }
    signer::options options;
    options.path = signer::path_rule::s3;
    options.content_sha256_header = true;
    std::pmr::monotonic_buffer_resource memory;
    const signer::request what{ask.method, ask.path, ask.query, headers, hash};
    const auto made = signer::sign(what, {"s3", "us-east-1"}, {who.access_key_id, {}}, key, noon, options, memory);
    signature s{{}, "", std::string(made.credential_scope), std::string(made.signature)};
    for (const signer::header& h : made.add) {
        s.fields.push_back({std::string(h.name), std::string(h.value)});
        s.date = h.name.size() == 10 ? s.fields.back().value : s.date; // x-amz-date
    }
    return s;
}

std::string encode(signer::chunk_encoder encoder, std::string_view content) {
    std::string wire;
    while (!content.empty()) {
        const std::string_view chunk = content.substr(0, static_cast<std::size_t>(encoder.room()));
        content.remove_prefix(chunk.size());
        encoder.add(chunk);
        const auto frame = encoder.close_chunk();
        wire.append(frame.head).append(chunk).append(frame.tail);
    }
    std::pmr::monotonic_buffer_resource memory;
    return wire.append(encoder.finish({}, memory));
}

bool is_asymmetric(chunk_form form) {
    return form == chunk_form::signed_v4a || form == chunk_form::signed_v4a_trailer;
}

// As a client sends it.
request put(std::string_view content, const upload& how = {}) {
    request ask{"PUT", "/bucket/k", "", {{"Host", "s3.us-east-1.amazonaws.com"}}, ""};
    ask.headers.push_back({"Content-Encoding", how.codings});
    ask.headers.push_back({"X-Amz-Decoded-Content-Length", std::to_string(how.said_length.value_or(content.size()))});
    if (how.sum) {
        ask.headers.push_back({"X-Amz-Trailer", std::string(signer::header_name(*how.sum))});
    }
    const std::string_view hash = signer::payload_hash_of(how.form);
    const auto key = signer::signing_key::derive(how.secret, day, "us-east-1", "s3");
    const auto ecdsa = signer::ecdsa_key::derive(who.access_key_id, how.secret);
    const signature s = is_asymmetric(how.form) ? sign_head(ask, ecdsa, hash) : sign_head(ask, key, hash);
    ask.headers.insert(ask.headers.end(), s.fields.begin(), s.fields.end());
    const signer::chunk_context context{s.date, s.scope, s.seed};
    if (how.form == chunk_form::unsigned_trailer) {
        ask.body = encode(signer::chunk_encoder(how.sum, 8192), content);
    } else if (is_asymmetric(how.form)) {
        ask.body = encode({how.form, signer::chunk_signer(ecdsa, context), how.sum, 8192}, content);
    } else {
        ask.body = encode({how.form, signer::chunk_signer(key, context), how.sum, 8192}, content);
    }
    return ask;
}

// "400 BadDigest", or "" for what is taken.
std::string objection(request ask) {
    const auto wrong = take_off_chunks(ask, who);
    return wrong ? std::to_string(wrong->status) + " " + wrong->code : "";
}

constexpr std::string_view twenty_bytes = "twenty bytes, again.";
std::string long_content() {
    std::string content;
    for (int i = 0; i < 1000; ++i) {
        content += twenty_bytes;
    }
    return content;
}

// One byte of the wire is another one.
request spoiled(request ask, std::string_view text, std::size_t offset = 0) {
    char& c = ask.body.at(ask.body.find(text) + offset);
    c = c == 'a' ? 'b' : 'a';
    return ask;
}

TEST(SandboxUpload, TakesEveryFormOff) {
    for (const auto form :
         {chunk_form::signed_v4,
          chunk_form::signed_v4_trailer,
          chunk_form::signed_v4a,
          chunk_form::signed_v4a_trailer,
          chunk_form::unsigned_trailer}) {
        for (const std::string& content : {std::string(), std::string("x"), long_content()}) {
            upload how{form};
            how.sum = signer::has_trailer(form) ? std::optional(checksum_kind::crc64nvme) : std::nullopt;
            request ask = put(content, how);
            const auto wrong = take_off_chunks(ask, who);
            EXPECT_FALSE(wrong) << signer::payload_hash_of(form) << ": " << wrong->message;
            EXPECT_EQ(ask.body, content) << signer::payload_hash_of(form);
        }
    }
}

TEST(SandboxUpload, LeavesTheContentsOwnCodings) {
    request ask = put("x", {.codings = "aws-chunked, gzip"});
    EXPECT_FALSE(take_off_chunks(ask, who));
    EXPECT_EQ(ask.header("content-encoding"), "gzip");
    ask = put("x");
    EXPECT_FALSE(take_off_chunks(ask, who));
    EXPECT_TRUE(std::none_of(ask.headers.begin(), ask.headers.end(), [](const field& f) {
        return f.name == "Content-Encoding";
    }));
}

TEST(SandboxUpload, VerifiesEachChunk) {
    const std::string content = long_content();
    EXPECT_EQ(objection(spoiled(put(content), "twenty")), "403 SignatureDoesNotMatch");
    EXPECT_EQ(objection(spoiled(put(content), "0;chunk-signature=", 20)), "403 SignatureDoesNotMatch");
    EXPECT_EQ(objection(put(content, {.secret = "another"})), "403 SignatureDoesNotMatch");
    EXPECT_EQ(objection(put("", {.secret = "another"})), "403 SignatureDoesNotMatch");
}

TEST(SandboxUpload, VerifiesTheTrailers) {
    const upload how{chunk_form::signed_v4_trailer, checksum_kind::sha1};
    EXPECT_EQ(objection(spoiled(put("content", how), "x-amz-trailer-signature:", 30)), "403 SignatureDoesNotMatch");
    EXPECT_EQ(objection(spoiled(put("content", how), "-sha1:", 6)), "403 SignatureDoesNotMatch");
    const upload plain{chunk_form::unsigned_trailer, checksum_kind::crc32};
    EXPECT_EQ(objection(spoiled(put("content", plain), "content")), "400 BadDigest");
    EXPECT_EQ(objection(spoiled(put("content", plain), "-crc32:")), "400 MalformedTrailerError");
    request other = put("content", plain);
    for (field& f : other.headers) {
        f.value = f.name == "X-Amz-Trailer" ? "x-amz-meta-never" : f.value;
    }
    EXPECT_EQ(objection(other), "400 MalformedTrailerError");
}

TEST(SandboxUpload, CountsTheContent) {
    EXPECT_EQ(objection(put("content", {.said_length = 8})), "400 IncompleteBody");
    EXPECT_EQ(objection(put("content", {.said_length = 6})), "400 IncompleteBody");
    request cut = put("content");
    cut.body.resize(cut.body.size() - 2);
    EXPECT_EQ(objection(cut), "400 IncompleteBody");
    cut.body.clear();
    EXPECT_EQ(objection(cut), "400 IncompleteBody");
    request more = put("content");
    more.body += "x";
    EXPECT_EQ(objection(more), "400 IncompleteBody");
    request silent = put("content");
    std::erase_if(silent.headers, [](const field& f) { return f.name == "X-Amz-Decoded-Content-Length"; });
    EXPECT_EQ(objection(silent), "411 MissingContentLength");
}

TEST(SandboxUpload, RefusesWhatItCannotRead) {
    request ask{"PUT", "/bucket/k", "", {{"Content-Encoding", "aws-chunked"}}, "0;chunk-signature=…"};
    EXPECT_EQ(objection(ask), "501 NotImplemented");
    ask.headers = {{"X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-EVENTS"}};
    EXPECT_EQ(objection(ask), "501 NotImplemented");
    ask.headers.clear();
    ask.query = "X-Amz-Content-Sha256=STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    EXPECT_EQ(objection(ask), "411 MissingContentLength");
}

TEST(SandboxUpload, ChecksTheHeadsChecksums) {
    request ask{"PUT", "/bucket/k", "", {{"x-amz-checksum-crc32", "y/Q5Jg=="}}, "123456789"};
    EXPECT_FALSE(wrong_checksum(ask));
    ask.headers.push_back({"X-Amz-Checksum-Sha1", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="});
    const auto wrong = wrong_checksum(ask);
    ASSERT_TRUE(wrong);
    EXPECT_EQ(wrong->code, "BadDigest");
    EXPECT_THAT(wrong->message, HasSubstr("X-Amz-Checksum-Sha1"));
}

} // namespace upload_test
} // namespace countersign::proxy::sandbox

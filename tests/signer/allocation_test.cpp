// sign() must not allocate: neither by operator new nor inside OpenSSL. Both are counted for this whole
// program.
#include "signer/chunk_decoder.hpp"
#include "signer/chunk_encoder.hpp"
#include "signer/key.hpp"
#include "signer/scope.hpp"
#include "signer/sigv4.hpp"
#include "signer/target.hpp"

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <cstdlib>
#include <memory_resource>
#include <new>
#include <string>
#include <vector>

namespace {

unsigned long allocations = 0;

void* counted_malloc(std::size_t size, const char*, int) {
    ++allocations;
    return std::malloc(size);
}
void* counted_realloc(void* old, std::size_t size, const char*, int) {
    ++allocations;
    return std::realloc(old, size);
}
void counted_free(void* old, const char*, int) {
    std::free(old);
}

// Only before OpenSSL's own first allocation: before main().
const bool openssl_is_counted = CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) == 1;

} // namespace

void* operator new(std::size_t size) {
    ++allocations;
    if (void* const place = std::malloc(size)) {
        return place;
    }
    throw std::bad_alloc();
}
void operator delete(void* place) noexcept {
    std::free(place);
}
void operator delete(void* place, std::size_t) noexcept {
    std::free(place);
}

namespace countersign::signer {
namespace {

constexpr std::chrono::sys_seconds when{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

TEST(Allocation, IsReallyCounted) {
    ASSERT_TRUE(openssl_is_counted);
    const unsigned long before = allocations;
    ::operator delete(::operator new(1));
    EXPECT_EQ(allocations, before + 1);
    EVP_MD_CTX_free(EVP_MD_CTX_new());
    EXPECT_EQ(allocations, before + 2);
}

// Requests of every shape, with a warm key: all memory comes from the caller's buffer.
TEST(Allocation, DoesNotHappenInSign) {
    const std::vector<header> few{{"Host", "s3.us-east-1.amazonaws.com"}};
    std::vector<header> many{{"Host", "h"}, {"Content-Type", "a  b"}};
    for (int i = 0; i < 100; ++i) {
        many.push_back({i % 2 == 0 ? "X-Amz-Meta-B" : "x-amz-meta-a", "value"});
    }
    const std::vector<std::string> also_sign{"x-tenant", "connection"};
    const std::vector<std::string> never_sign{"content-type", "range"};
    key_cache keys;
    keys.find("AKID", "secret", "20260101", "us-east-1", "s3");
    std::vector<char> buffer(64 * 1024);
    for (const std::vector<header>* headers : std::array<const std::vector<header>*, 2>{&few, &many}) {
        for (const std::string_view query :
             {"", "b=2&a=1&a=%20+", "k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k&k"}) {
            for (const placement where : {placement::header, placement::query}) {
                for (const path_rule rule : {path_rule::s3, path_rule::standard}) {
                    std::pmr::monotonic_buffer_resource memory(
                        buffer.data(), buffer.size(), std::pmr::null_memory_resource()
                    );
                    const unsigned long before = allocations;
                    const signing_key& key = keys.find("AKID", "secret", "20260101", "us-east-1", "s3");
                    const instructions made = sign(
                        {"GET", "/a//b/../c d", query, *headers, empty_hash},
                        {"s3", "us-east-1"},
                        {"AKID", "token"},
                        key,
                        when,
                        {.where = where,
                         .path = rule,
                         .content_sha256_header = true,
                         .also_sign = also_sign,
                         .never_sign = never_sign},
                        memory
                    );
                    EXPECT_EQ(allocations, before);
                    EXPECT_EQ(made.signature.size(), 64u);
                }
            }
        }
    }
}

// What the proxy's arena has to hold for a usual request: 4 KiB, and 8 KiB where the query is signed.
TEST(Allocation, DoesNotHappenInScopeLookups) {
    for (const std::string_view host :
         {"dynamodb.us-east-1.amazonaws.com",
          "my.bucket.s3-fips.dualstack.eu-west-1.amazonaws.com",
          "iam.amazonaws.com",
          "runtime-fips.sagemaker.us-east-1.amazonaws.com",
          "a-name-that-is-longer-than-any-small-string.execute-api-fips.eu-west-1.amazonaws.com",
          "search-name-abc.eu-west-1.es.amazonaws.com",
          "abc123.lambda-url.eu-west-1.on.aws",
          "bucket.vpce-0123456789abcdef0-abcdefgh.s3.us-east-1.vpce.amazonaws.com",
          "abc.mrap.accesspoint.s3-global.amazonaws.com",
          "maps.geo-fips.us-east-1.api.aws",
          "nosuchservice-fips.us-east-1.amazonaws.com",
          "www.example.com"}) {
        const unsigned long before = allocations;
        const auto found = scope_of(host, "/v2/static/map");
        EXPECT_EQ(allocations, before) << host;
        if (const auto* scope = std::get_if<host_scope>(&found)) {
            EXPECT_FALSE(traits_of(scope->service).payload_unsigned);
            EXPECT_TRUE(is_region_beside("eu-west-1", "us-east-1"));
        }
        EXPECT_EQ(allocations, before) << host;
    }
}

TEST(Allocation, FitsAUsualRequestIntoASmallArena) {
    const std::vector<header> headers{
        {"Host", "dynamodb.us-east-1.amazonaws.com"},
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", "DynamoDB_20120810.PutItem"},
        {"User-Agent", "aws-cli/2.0 Python/3.11 Linux/6.1"},
        {"Accept-Encoding", "identity"}};
    const signing_key key = signing_key::derive("secret", "20260101", "us-east-1", "dynamodb");
    for (const placement where : {placement::header, placement::query}) {
        std::array<char, 8192> buffer;
        const std::size_t room = where == placement::header ? 4096 : buffer.size();
        std::pmr::monotonic_buffer_resource memory(buffer.data(), room, std::pmr::null_memory_resource());
        const instructions made = sign(
            {"POST", "/", "", headers, empty_hash},
            {"dynamodb", "us-east-1"},
            {"AKIAIOSFODNN7EXAMPLE", ""},
            key,
            when,
            {.where = where},
            memory
        );
        EXPECT_EQ(made.signature.size(), 64u);
    }
}

// From the first chunk to the last trailer, signed, hashed and checked; making the two chains may allocate.
TEST(Allocation, DoesNotHappenInChunkedBodies) {
    const std::string content(20000, 'x');
    const signing_key key = signing_key::derive("secret", "20260101", "us-east-1", "s3");
    const chunk_context about{"20260101T000000Z", "20260101/us-east-1/s3/aws4_request", empty_hash};
    std::vector<char> buffer(4096);
    for (const checksum_kind kind :
         {checksum_kind::crc32,
          checksum_kind::crc32c,
          checksum_kind::crc64nvme,
          checksum_kind::sha1,
          checksum_kind::sha256}) {
        const chunk_form form = chunk_form::signed_v4_trailer;
        chunk_encoder encoder(form, chunk_signer(key, about), kind, 8192);
        chunk_decoder decoder({form, content.size(), kind}, chunk_verifier(key, about));
        std::pmr::monotonic_buffer_resource memory(buffer.data(), buffer.size(), std::pmr::null_memory_resource());
        std::string_view piece;
        chunk_decoder::step last = chunk_decoder::step::more;
        const auto read = [&](std::string_view bytes) {
            do {
                last = decoder.next(bytes, piece);
            } while (last == chunk_decoder::step::content);
        };
        const unsigned long before = allocations;
        for (std::string_view left = content; !left.empty();) {
            const std::string_view chunk = left.substr(0, static_cast<std::size_t>(encoder.room()));
            left.remove_prefix(chunk.size());
            encoder.add(chunk);
            const chunk_encoder::frame around = encoder.close_chunk();
            read(around.head);
            read(chunk);
            read(around.tail);
        }
        read(encoder.finish(std::array<trailer, 1>{{{"x-amz-meta-a", "b"}}}, memory));
        EXPECT_EQ(decoder.finish(), chunk_decoder::step::complete) << decoder.error().reason;
        EXPECT_EQ(allocations, before);
    }
}

} // namespace
} // namespace countersign::signer

// Time of one signature with a warm key, beside the bare SHA-256 compressions that it cannot avoid, measured by turns
// in one run: counter x_floor, the median of the pairs. The three requests are those of every comparison with other
// signers.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "signer/canonical.hpp"
#include "signer/key.hpp"
#include "signer/sha256.hpp"
#include "signer/sigv4.hpp"

#include <benchmark/benchmark.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <memory_resource>
#include <string>
#include <vector>

namespace {

using namespace countersign::signer;

constexpr std::string_view access_key = "AKIDEXAMPLE";
constexpr std::string_view secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view region = "us-east-1";
constexpr std::chrono::sys_seconds when{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

struct fixed_request {
    std::string_view service;
    std::string_view method;
    std::string_view path;
    std::vector<header> headers;
    std::string body;
    options how;
    std::string_view payload_hash;
};

fixed_request s3_get() {
    return {
        "s3",
        "GET",
        "/bench-bucket/folder/object-0001.bin",
        {{"Host", "s3.us-east-1.amazonaws.com"}},
        "",
        {.path = path_rule::s3, .content_sha256_header = true},
        empty_hash,
    };
}

fixed_request dynamodb_post() {
    return {
        "dynamodb",
        "POST",
        "/",
        {{"Host", "dynamodb.us-east-1.amazonaws.com"},
         {"Content-Type", "application/x-amz-json-1.0"},
         {"X-Amz-Target", "DynamoDB_20120810.PutItem"}},
        std::string(1024, 'x'),
        {},
        "",
    };
}

fixed_request s3_presign() {
    fixed_request r = s3_get();
    r.how = {.where = placement::query, .path = path_rule::s3};
    r.payload_hash = "UNSIGNED-PAYLOAD";
    return r;
}

// What the proxy does for each attempt: hash the body, find the key, sign.
instructions
sign_once(const fixed_request& r, key_cache& keys, std::span<char, 64> hex, std::pmr::memory_resource& memory) {
    std::string_view payload = r.payload_hash;
    if (payload.empty()) {
        write_hex(sha256_of(r.body), hex.data());
        payload = {hex.data(), hex.size()};
    }
    const signing_key& key = keys.find(access_key, secret_key, "20260101", region, r.service);
    return sign(
        {r.method, r.path, "", r.headers, payload}, {r.service, region}, {access_key, ""}, key, when, r.how, memory
    );
}

constexpr std::size_t blocks(std::size_t bytes) {
    return (bytes + 9 + 63) / 64;
}

// Compressions of: body, canonical request, HMAC with its two pads hashed in advance.
std::size_t unavoidable_blocks(const fixed_request& r) {
    std::pmr::monotonic_buffer_resource memory;
    key_cache keys;
    std::array<char, 64> hex;
    const instructions made = sign_once(r, keys, hex, memory);
    return (r.body.empty() ? 0 : blocks(r.body.size())) + blocks(made.canonical_request.size()) +
           blocks(64 + made.string_to_sign.size());
}

double now_nanoseconds() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t); // answered without a system call, unlike the CPU clocks
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

// Nanoseconds for each call in one batch, which is short beside a time slice: most batches meet nobody else.
template <class Work>
double time_batch(Work work) {
    constexpr int calls = 32;
    const double begin = now_nanoseconds();
    for (int i = 0; i < calls; ++i) {
        work();
    }
    return (now_nanoseconds() - begin) / calls;
}

double median(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

// Floor and signature by turns, one batch each. Both of a pair meet the same clock speed and the same neighbours, so
// the median of the pairs' ratios stands still where the times themselves do not.
template <class Floor, class Signature>
void compare(benchmark::State& bench, Floor one_floor, Signature one_signature) {
    constexpr std::size_t pairs = 2001;
    std::vector<double> floors, signatures, ratios;
    for (std::size_t i = 0; i < pairs; ++i) {
        floors.push_back(time_batch(one_floor));
        signatures.push_back(time_batch(one_signature));
        ratios.push_back(signatures.back() / floors.back());
    }
    bench.counters["sign_ns"] = median(signatures);
    bench.counters["floor_ns"] = median(floors);
    bench.counters["x_floor"] = median(ratios);
}

void measure(benchmark::State& bench, const fixed_request& r) {
    const std::size_t count = unavoidable_blocks(r);
    const std::string text(64 * count, 'x');
    SHA256_CTX floor_state;
    SHA256_Init(&floor_state);
    key_cache keys;
    std::array<char, 64> hex;
    std::array<char, 8192> arena;
    const auto one_signature = [&] {
        std::pmr::monotonic_buffer_resource memory(arena.data(), arena.size(), std::pmr::null_memory_resource());
        instructions made = sign_once(r, keys, hex, memory);
        benchmark::DoNotOptimize(made);
    };
    for (auto _ : bench) {
        one_signature();
    }
    bench.counters["blocks"] = static_cast<double>(count);
    const auto one_floor = [&] {
        SHA256_Update(&floor_state, text.data(), text.size());
        benchmark::DoNotOptimize(floor_state);
    };
    compare(bench, one_floor, one_signature);
}

void canonical_request(benchmark::State& bench, path_rule rule, std::string_view path, std::string_view query) {
    const std::array<header, 3> headers{{
        {"content-type", "application/json"},
        {"host", "search-logs.eu-west-1.es.amazonaws.com"},
        {"x-amz-date", "20260101T000000Z"},
    }};
    std::array<char, 8192> room;
    std::array<query_pair, 32> pairs;
    for (auto _ : bench) {
        pen out(room.data());
        const std::span<query_pair> sorted(pairs.data(), read_query(query, pairs.data(), out));
        sort_query(sorted);
        canonical_text made = put_canonical_request({"GET", path, rule, sorted, headers, empty_hash}, out);
        benchmark::DoNotOptimize(made);
    }
}

void derive_key(benchmark::State& bench) {
    for (auto _ : bench) {
        signing_key key = signing_key::derive(secret_key, "20260101", region, "s3");
        benchmark::DoNotOptimize(key);
    }
}

void find_key(benchmark::State& bench) {
    key_cache keys;
    for (auto _ : bench) {
        const signing_key* key = &keys.find(access_key, secret_key, "20260101", region, "s3");
        benchmark::DoNotOptimize(key);
    }
}

// SigV4A of the same requests, its key warm too.
void sign_v4a(benchmark::State& bench, const fixed_request& r) {
    const ecdsa_key key = ecdsa_key::derive(access_key, secret_key);
    const std::string_view payload = r.payload_hash.empty() ? empty_hash : r.payload_hash;
    std::array<char, 8192> arena;
    for (auto _ : bench) {
        std::pmr::monotonic_buffer_resource memory(arena.data(), arena.size(), std::pmr::null_memory_resource());
        instructions made = sign(
            {r.method, r.path, "", r.headers, payload}, {r.service, "*"}, {access_key, ""}, key, when, r.how, memory
        );
        benchmark::DoNotOptimize(made);
    }
}

void derive_ecdsa_key(benchmark::State& bench) {
    for (auto _ : bench) {
        ecdsa_key key = ecdsa_key::derive(access_key, secret_key);
        benchmark::DoNotOptimize(key);
    }
}

BENCHMARK_CAPTURE(measure, s3_get, s3_get());
BENCHMARK_CAPTURE(measure, dynamodb_post, dynamodb_post());
BENCHMARK_CAPTURE(measure, s3_presign, s3_presign());
BENCHMARK_CAPTURE(canonical_request, plain, path_rule::standard, "/logs/_search", "size=10");
BENCHMARK_CAPTURE(
    canonical_request, ugly, path_rule::standard, "/a//b/./c/../%E1%88%B4 d", "z=1&y=a%20b&x=&w=%c3%a4&v=1&u=2&t=3&s=4"
);
BENCHMARK_CAPTURE(sign_v4a, s3_get, s3_get());
BENCHMARK_CAPTURE(sign_v4a, s3_presign, s3_presign());
BENCHMARK(derive_ecdsa_key);
BENCHMARK(derive_key);
BENCHMARK(find_key);

} // namespace

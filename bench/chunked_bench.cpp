// Chunk-signed encoding of a body beside plain SHA-256 of the same bytes, in turns within one process: counter
// x_sha256 is 1 where signing in chunks costs nothing more (must be ≥ 0.85 without a checksum). Checksums alone, too.
#include "signer/checksum.hpp"
#include "signer/chunk_encoder.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory_resource>
#include <optional>
#include <string>

namespace {

using namespace countersign::signer;

constexpr std::size_t body_size = 4 * 1024 * 1024;
constexpr chunk_context context{
    "20130524T000000Z",
    "20130524/us-east-1/s3/aws4_request",
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"};

const std::string body = [] {
    std::string text(body_size, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) {
        text[i] = static_cast<char>(i * 2654435761u >> 13);
    }
    return text;
}();

const signing_key key = signing_key::derive("secret", "20130524", "us-east-1", "s3");

void encode(chunk_encoder encoder) {
    std::array<char, 2048> room;
    std::pmr::monotonic_buffer_resource memory(room.data(), room.size(), std::pmr::null_memory_resource());
    for (std::string_view left = body; !left.empty();) {
        const std::string_view chunk = left.substr(0, static_cast<std::size_t>(encoder.room()));
        left.remove_prefix(chunk.size());
        encoder.add(chunk);
        chunk_encoder::frame around = encoder.close_chunk();
        benchmark::DoNotOptimize(around);
    }
    std::string_view last = encoder.finish({}, memory);
    benchmark::DoNotOptimize(last);
}

double cpu_seconds() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

template <class Work>
double time_of(Work work) {
    const double begin = cpu_seconds();
    work();
    return cpu_seconds() - begin;
}

constexpr double gibibytes = static_cast<double>(body_size) / (1 << 30);

// The best of several turns of each: what disturbs a turn only ever makes it longer.
template <class Work>
void compare(benchmark::State& bench, Work work) {
    double best_plain = 1e9;
    double best = 1e9;
    for (auto _ : bench) {
        best_plain = std::min(best_plain, time_of([] {
                                  digest hash = sha256_of(body);
                                  benchmark::DoNotOptimize(hash);
                              }));
        best = std::min(best, time_of(work));
    }
    bench.counters["sha256_GiB/s"] = gibibytes / best_plain;
    bench.counters["GiB/s"] = gibibytes / best;
    bench.counters["x_sha256"] = best_plain / best;
}

void sign_chunks(benchmark::State& bench, std::optional<checksum_kind> sum, std::uint64_t chunk_size) {
    const chunk_form form = sum ? chunk_form::signed_v4_trailer : chunk_form::signed_v4;
    compare(bench, [&] { encode({form, chunk_signer(key, context), sum, chunk_size}); });
}

void sign_chunks_v4a(benchmark::State& bench) {
    const ecdsa_key key_v4a = ecdsa_key::derive("AKIAIOSFODNN7EXAMPLE", "secret");
    compare(bench, [&] { encode({chunk_form::signed_v4a, chunk_signer(key_v4a, context)}); });
}

void leave_unsigned(benchmark::State& bench, checksum_kind sum) {
    compare(bench, [&] { encode(chunk_encoder(sum)); });
}

template <class Work>
void measure(benchmark::State& bench, Work work) {
    double best = 1e9;
    for (auto _ : bench) {
        best = std::min(best, time_of(work));
    }
    bench.counters["GiB/s"] = gibibytes / best;
}

void sum_alone(benchmark::State& bench, checksum_kind kind) {
    measure(bench, [&] {
        checksum sum(kind);
        sum.update(body);
        checksum_text value = sum.value();
        benchmark::DoNotOptimize(value);
    });
}

void sum_by_table(benchmark::State& bench, checksum_kind kind) {
    measure(bench, [&] {
        std::uint64_t sum = kind == checksum_kind::crc32    ? portable::crc32(body)
                            : kind == checksum_kind::crc32c ? portable::crc32c(body)
                                                            : portable::crc64nvme(body);
        benchmark::DoNotOptimize(sum);
    });
}

BENCHMARK_CAPTURE(sign_chunks, 64_KiB, std::nullopt, 65536);
BENCHMARK_CAPTURE(sign_chunks, 8_KiB, std::nullopt, 8192);
BENCHMARK_CAPTURE(sign_chunks, 64_KiB_crc32, checksum_kind::crc32, 65536);
BENCHMARK_CAPTURE(sign_chunks, 64_KiB_crc32c, checksum_kind::crc32c, 65536);
BENCHMARK_CAPTURE(sign_chunks, 64_KiB_crc64nvme, checksum_kind::crc64nvme, 65536);
BENCHMARK_CAPTURE(sign_chunks, 64_KiB_sha1, checksum_kind::sha1, 65536);
BENCHMARK_CAPTURE(sign_chunks, 64_KiB_sha256, checksum_kind::sha256, 65536);
BENCHMARK(sign_chunks_v4a);
BENCHMARK_CAPTURE(leave_unsigned, crc32, checksum_kind::crc32);
BENCHMARK_CAPTURE(leave_unsigned, crc64nvme, checksum_kind::crc64nvme);
BENCHMARK_CAPTURE(sum_alone, crc32, checksum_kind::crc32);
BENCHMARK_CAPTURE(sum_alone, crc32c, checksum_kind::crc32c);
BENCHMARK_CAPTURE(sum_alone, crc64nvme, checksum_kind::crc64nvme);
BENCHMARK_CAPTURE(sum_alone, sha1, checksum_kind::sha1);
BENCHMARK_CAPTURE(sum_alone, sha256, checksum_kind::sha256);
BENCHMARK_CAPTURE(sum_by_table, crc32, checksum_kind::crc32);
BENCHMARK_CAPTURE(sum_by_table, crc32c, checksum_kind::crc32c);
BENCHMARK_CAPTURE(sum_by_table, crc64nvme, checksum_kind::crc64nvme);

} // namespace

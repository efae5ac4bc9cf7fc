// A line of the access log, written to /dev/null: what the log costs a request.
#include "proxy/observe/access_log.hpp"

#include <benchmark/benchmark.h>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace countersign;

void add_line(benchmark::State& state, conf::log_format format) {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    {
        proxy::access_log log(format, nowhere);
        proxy::access_entry e{
            .time = std::chrono::system_clock::now(),
            .client = "127.0.0.1:51234",
            .method = "GET",
            .host = "bucket.s3.eu-west-1.amazonaws.com",
            .path = "/some/longer/key/of/an/object.txt?list-type=2&prefix=photos%2F&max-keys=100",
            .service = "s3",
            .region = "eu-west-1",
            .identity = "default",
            .status = 200,
            .attempts = 1,
            .response_bytes = 12345,
            .duration = std::chrono::microseconds(12345),
            .upstream = std::chrono::microseconds(10234),
            .payload = "none",
            .refusal = "",
            .route = "*.s3.*.amazonaws.com",
        };
        for (auto _ : state) {
            e.time += std::chrono::microseconds(37);
            log.add(e);
        }
        state.counters["lost"] = static_cast<double>(log.lost());
    }
    ::close(nowhere);
}

BENCHMARK_CAPTURE(add_line, text, conf::log_format::text);
BENCHMARK_CAPTURE(add_line, json, conf::log_format::json);

} // namespace

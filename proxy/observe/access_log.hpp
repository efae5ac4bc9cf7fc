// The access log: one line a request, collected in a buffer of the worker's and written when it is half full
// or its owner flushes. Never waits for the reader of the log and, after the constructor, never allocates:
// what cannot be written at once is lost and counted. Belongs to one thread.
//
// No line holds a header, a body, a query value or a control byte. Fields, in this order, in both formats:
//   time client method host path service region identity status attempts request_bytes response_bytes
//   duration_ms upstream_ms payload refusal route
// Text:  2026-11-22T00:13:30.123Z client=127.0.0.1:5000 method=GET … route=-       (an empty value is "-")
// JSON:  {"time":"2026-11-22T00:13:30.123Z","event":"access","client":"127.0.0.1:5000",…,"route":""}
#pragma once

#include "conf/config.hpp"
#include "proxy/observe/log_sink.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

namespace countersign::proxy {

// Views are only read during add().
struct access_entry {
    std::chrono::system_clock::time_point time; // when the request's first byte came
    std::string_view client;                    // address and port
    std::string_view method;
    std::string_view host;
    std::string_view path; // with the query: "/b/k?prefix=x&list-type=2" is written as "/b/k?prefix=***&list-type=***"
    std::string_view service;
    std::string_view region;
    std::string_view identity; // its name in the configuration: "default"
    unsigned status = 0;
    unsigned attempts = 0;
    std::uint64_t request_bytes = 0; // of the bodies
    std::uint64_t response_bytes = 0;
    std::chrono::nanoseconds duration{};
    std::chrono::nanoseconds upstream{}; // of the last attempt, to the end of the answer's head
    std::string_view payload;            // "none", "memory", "unsigned"
    std::string_view refusal;            // x-countersign-error; "" when an answer was passed on
    std::string_view route;              // its name, else its host glob; "" without one
};

class access_log {
public:
    static constexpr std::size_t capacity = 64 * 1024;
    static constexpr std::size_t longest_path = 1024; // escaped; "..." behind what was cut

    explicit access_log(conf::log_format format, int descriptor = 2);

    void add(const access_entry& e) noexcept;
    void flush() noexcept;

    std::uint64_t lost() const noexcept { return lost_; } // lines that could not be written

private:
    std::string_view second_text(std::chrono::sys_seconds second) noexcept;

    conf::log_format format_;
    log_sink sink_;
    std::unique_ptr<char[]> buffer_;
    std::size_t used_ = 0;
    std::uint64_t lost_ = 0;
    std::chrono::sys_seconds cached_second_ = std::chrono::sys_seconds::min();
    std::array<char, 19> cached_text_{}; // 2026-11-22T00:13:30
};

} // namespace countersign::proxy

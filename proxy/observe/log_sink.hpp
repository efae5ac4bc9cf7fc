// A descriptor that lines are written to without ever waiting for whoever reads them: what does not fit now
// is lost. Borrows the descriptor. Several sinks may share a descriptor, and several threads a sink: lines stay whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace countersign::proxy {

class log_sink {
public:
    // A write of at most this many bytes to a pipe is not mixed with other writers' (PIPE_BUF), and happens
    // whole or not at all. REQUIRES: no line is longer.
    static constexpr std::size_t longest_line = 4096;

    explicit log_sink(int descriptor) noexcept;
    ~log_sink();
    log_sink(const log_sink&) = delete;
    log_sink& operator=(const log_sink&) = delete;

    // REQUIRES: `lines` ends with a newline or is empty. Returns how many lines were lost.
    std::size_t write_lines(std::string_view lines) noexcept;

private:
    enum class kind : std::uint8_t { file, stream, socket };

    bool write_all(std::string_view text) noexcept;

    int descriptor_;
    kind kind_;
    bool owns_ = false;
};

} // namespace countersign::proxy

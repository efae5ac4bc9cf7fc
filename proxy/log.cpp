#include "proxy/log.hpp"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <iterator>
#include <memory>

namespace countersign::proxy {
namespace {

// %* in a pattern: the message, escaped; as the inside of a JSON string where asked. Here and not at the
// callers, so that none can forget it.
class message_flag : public spdlog::custom_flag_formatter {
public:
    explicit message_flag(conf::log_format format) : format_(format) {}

    void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& to) override {
        constexpr std::size_t most = 8192;
        for (const char c : escaped({message.payload.data(), message.payload.size()}, most)) {
            if (format_ == conf::log_format::json && (c == '"' || c == '\\'))
                to.push_back('\\');
            to.push_back(c);
        }
    }

    std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<message_flag>(format_); }

private:
    conf::log_format format_;
};

spdlog::level::level_enum level_of(conf::log_level level) {
    switch (level) {
    case conf::log_level::debug:
        return spdlog::level::debug;
    case conf::log_level::info:
        return spdlog::level::info;
    case conf::log_level::warn:
        return spdlog::level::warn;
    case conf::log_level::error:
        return spdlog::level::err;
    case conf::log_level::off:
        return spdlog::level::off;
    }
    return spdlog::level::info;
}

} // namespace

std::string escaped(std::string_view text, std::size_t most) {
    std::string result;
    result.reserve(std::min(text.size(), most));
    for (const char c : text) {
        const bool is_plain = c >= 0x20 && c < 0x7f;
        if (result.size() + (is_plain ? 1 : 4) > most)
            return result += "...";
        if (is_plain)
            result.push_back(c);
        else
            fmt::format_to(std::back_inserter(result), "\\x{:02x}", static_cast<unsigned char>(c));
    }
    return result;
}

void start_log(conf::log_level level, conf::log_format format) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    formatter->add_flag<message_flag>('*', format);
    formatter->set_pattern(
        format == conf::log_format::json
            ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","event":"log","message":"%*"})"
            : "%Y-%m-%dT%H:%M:%S.%eZ %l %*"
    );
    auto logger = std::make_shared<spdlog::logger>("countersign", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_formatter(std::move(formatter));
    logger->set_level(level_of(level));
    spdlog::set_default_logger(std::move(logger));
}

} // namespace countersign::proxy

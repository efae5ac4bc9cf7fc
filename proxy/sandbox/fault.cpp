#include "proxy/sandbox/fault.hpp"

#include <array>
#include <charconv>

namespace countersign::proxy::sandbox {

namespace {

constexpr std::size_t most_requests = 1024;

// Takes the text up to the next ':' off the front.
std::string_view next_part(std::string_view& text) noexcept {
    const std::string_view part = text.substr(0, text.find(':'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return part;
}

std::optional<unsigned> number(std::string_view text, unsigned least, unsigned most) noexcept {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
        return std::nullopt;
    }
    return value;
}

// "500ms", "2s": at most one minute.
std::optional<std::chrono::milliseconds> duration(std::string_view text) noexcept {
    if (text.ends_with("ms")) {
        const auto n = number(text.substr(0, text.size() - 2), 0, 60'000);
        return n ? std::optional(std::chrono::milliseconds(*n)) : std::nullopt;
    }
    if (!text.ends_with('s')) {
        return std::nullopt;
    }
    const auto n = number(text.substr(0, text.size() - 1), 0, 60);
    return n ? std::optional(std::chrono::milliseconds(*n * 1000)) : std::nullopt;
}

struct form {
    std::string_view name;
    fault_kind kind;
    std::optional<unsigned> count;
};

constexpr std::array forms{
    form{"throttle", fault_kind::throttle, 1},
    form{"error", fault_kind::error, 1},
    form{"status", fault_kind::status, 1},
    form{"slow", fault_kind::slow, std::nullopt},
    form{"close", fault_kind::close, 1},
    form{"reset", fault_kind::reset, 1},
    form{"truncate", fault_kind::truncate, std::nullopt},
    form{"retry-after", fault_kind::retry_after, 1},
};

// The argument that three of the kinds need before their count. False: missing or wrong.
bool read_argument(std::string_view& text, fault& f) noexcept {
    if (f.kind == fault_kind::status) {
        const auto status = number(next_part(text), 200, 599);
        f.status = status.value_or(0);
        return status.has_value();
    }
    if (f.kind == fault_kind::slow) {
        const auto delay = duration(next_part(text));
        f.delay = delay.value_or(std::chrono::milliseconds(0));
        return delay.has_value();
    }
    if (f.kind == fault_kind::retry_after) {
        const auto wait = number(next_part(text), 0, 3600);
        f.wait = std::chrono::seconds(wait.value_or(0));
        return wait.has_value();
    }
    return true;
}

} // namespace

std::optional<fault> parse_fault(std::string_view text) noexcept {
    const std::string_view name = next_part(text);
    for (const form& known : forms) {
        if (known.name != name) {
            continue;
        }
        fault f{known.kind, known.count};
        if (!read_argument(text, f)) {
            return std::nullopt;
        }
        if (text.empty()) {
            return f;
        }
        f.count = number(text, 0, 1'000'000);
        return f.count ? std::optional(f) : std::nullopt;
    }
    return std::nullopt;
}

bool fault_counter::hits(const fault& f, const std::string& request) {
    if (!f.count) {
        return true;
    }
    if (done_.size() >= most_requests && !done_.contains(request)) {
        done_.clear();
    }
    unsigned& done = done_[request];
    if (done >= *f.count) {
        return false;
    }
    ++done;
    return true;
}

} // namespace countersign::proxy::sandbox

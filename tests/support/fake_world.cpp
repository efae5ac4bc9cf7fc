#include "tests/support/fake_world.hpp"

#include "chain/rfc3339.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace countersign::tests {

namespace asio = boost::asio;

class fake_alarm final : public chain::alarm {
public:
    explicit fake_alarm(fake_world& of) : of_(of) {}
    ~fake_alarm() override { cancel(); }
    void set(std::chrono::milliseconds after, std::function<void()> ring) override {
        of_.alarms_[this] = {of_.time + after, std::move(ring)};
    }
    void cancel() override { of_.alarms_.erase(this); }

private:
    fake_world& of_;
};

std::optional<std::string> fake_world::env(std::string_view name) const {
    const auto found = variables.find(std::string(name));
    return found == variables.end() ? std::nullopt : std::optional(found->second);
}

chain::result<std::optional<chain::secret>>
fake_world::read_file(const std::filesystem::path& file, std::size_t limit) const {
    const auto path = (std::filesystem::path("/") / file).lexically_normal().string();
    if (const auto pipe = pipes.find(path); pipe != pipes.end())
        return std::optional<chain::secret>{chain::secret(std::exchange(pipe->second, ""))};
    const auto found = files.find(path);
    if (found == files.end())
        return std::optional<chain::secret>{};
    if (found->second.size() > limit)
        return chain::failure{"too long"};
    return std::optional<chain::secret>{chain::secret(found->second)};
}

std::optional<chain::file_mark> fake_world::mark(const std::filesystem::path& file) const {
    const auto found = files.find((std::filesystem::path("/") / file).lexically_normal().string());
    if (found == files.end())
        return std::nullopt;
    return chain::file_mark{1, found->second.size(), std::hash<std::string>{}(found->second)};
}

std::optional<chain::failure> fake_world::write_file(const std::filesystem::path& file, std::string_view text) {
    if (read_only)
        return chain::failure{"read-only file system"};
    files[file.lexically_normal().string()] = text;
    return std::nullopt;
}

chain::task<chain::result<chain::command_reply>> fake_world::run(std::string command, std::chrono::milliseconds) {
    commands.push_back(command);
    if (!execute)
        co_return chain::failure{"it could not be started"};
    co_return execute(command);
}

chain::task<chain::http_result> fake_world::http(const chain::http_ask& ask) {
    asked.push_back(ask);
    if (network) {
        chain::http_ask quick = ask;
        quick.read_limit = std::chrono::milliseconds(300);
        co_return co_await chain::ask_http(quick, "", resolver_);
    }
    if (hangs) {
        asio::steady_timer never(on_, asio::steady_timer::time_point::max());
        co_await never.async_wait(asio::as_tuple(asio::use_awaitable));
        co_return chain::http_fault{chain::http_stage::exchange, "cut off"};
    }
    const auto url = chain::read_url(ask.url);
    if (!url)
        co_return url.error();
    const auto known = names.find(url->host);
    const auto addresses = known == names.end() ? std::vector<std::string>{url->host} : known->second;
    for (const auto& text : addresses) {
        boost::system::error_code error;
        const auto address = asio::ip::make_address(text, error);
        if (error && ask.may_dial)
            co_return chain::http_fault{chain::http_stage::connect, "no such name"};
        if (!error && ask.may_dial && !ask.may_dial(address))
            co_return chain::http_fault{chain::http_stage::forbidden, "forbidden address"};
    }
    if (!respond)
        co_return chain::http_fault{chain::http_stage::connect, "connection: refused"};
    co_return respond(ask);
}

chain::task<> fake_world::pause(std::chrono::milliseconds length) {
    paused += length;
    time += length;
    co_return;
}

std::unique_ptr<chain::alarm> fake_world::make_alarm() {
    return std::make_unique<fake_alarm>(*this);
}

void fake_world::settle() {
    on_.restart();
    on_.poll();
}

void fake_world::advance(std::chrono::milliseconds length) {
    const auto end = time + length;
    for (;;) {
        settle();
        const auto next = std::min_element(alarms_.begin(), alarms_.end(), [](const auto& a, const auto& b) {
            return a.second.at < b.second.at;
        });
        if (next == alarms_.end() || next->second.at > end)
            break;
        time = std::max(time, next->second.at);
        const auto ring = std::move(next->second.ring);
        alarms_.erase(next);
        ring();
    }
    time = std::max(time, end);
}

chain::http_reply reply(unsigned status, std::string body, std::vector<chain::http_field> fields) {
    chain::http_reply r;
    r.status = status;
    r.fields = std::move(fields);
    r.body = chain::secret(body);
    return r;
}

std::string credential_json(std::string_view id, std::chrono::system_clock::time_point expiration) {
    return fmt::format(
        R"({{"Code":"Success","AccessKeyId":"{}","SecretAccessKey":"wJalrXUtnFEMI","Token":"IQoJb3JpZ2luX2Vj",)"
        R"("Expiration":"{}"}})",
        id,
        chain::write_rfc3339(expiration)
    );
}

} // namespace countersign::tests

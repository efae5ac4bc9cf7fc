// A whole machine for the credential chain: environment, files, names, HTTP answers and a clock that only
// moves when it is told to (or when somebody pauses). Records every question; an HTTP question that nobody
// scripted fails as an unreachable host does.
#pragma once

#include "chain/world.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace countersign::tests {

class fake_world final : public chain::world {
public:
    using clock = std::chrono::system_clock;
    using responder = std::function<chain::http_result(const chain::http_ask&)>;
    using runner = std::function<chain::result<chain::command_reply>(const std::string&)>;

    std::map<std::string, std::string> variables;
    std::map<std::string, std::string> files;              // absolute path → text
    mutable std::map<std::string, std::string> pipes;      // likewise; what was read is gone
    std::map<std::string, std::vector<std::string>> names; // host → addresses
    responder respond;                                     // asked for every HTTP question
    runner execute;                                        // asked for every command; without one none starts
    clock::time_point time{std::chrono::sys_days{std::chrono::year{2026} / 11 / 22}};
    double chance = 0.5;
    bool hangs = false;     // HTTP never answers
    bool read_only = false; // no file can be written
    bool network = false;   // HTTP is the real client, with limits that a test can wait for

    std::vector<chain::http_ask> asked;
    std::vector<std::string> commands; // that were run
    std::chrono::milliseconds paused{0};

    explicit fake_world(boost::asio::io_context& on) : on_(on), resolver_(on) {}

    std::optional<std::string> env(std::string_view name) const override;
    chain::result<std::optional<chain::secret>>
    read_file(const std::filesystem::path& file, std::size_t limit) const override;
    // By its text: to write the same again is no change.
    std::optional<chain::file_mark> mark(const std::filesystem::path& file) const override;
    std::optional<chain::failure> write_file(const std::filesystem::path& file, std::string_view text) override;
    chain::task<chain::result<chain::command_reply>> run(std::string command, std::chrono::milliseconds) override;
    chain::task<chain::http_result> http(const chain::http_ask& ask) override;
    chain::task<> pause(std::chrono::milliseconds length) override;
    std::unique_ptr<chain::alarm> make_alarm() override;
    clock::time_point now() const override { return time; }
    double random() override { return chance; }

    // Moves the clock, ringing each alarm at its time and running what it sets off.
    void advance(std::chrono::milliseconds length);
    void settle(); // runs what is ready, without moving the clock

private:
    struct ringing {
        clock::time_point at;
        std::function<void()> ring;
    };
    friend class fake_alarm;

    boost::asio::io_context& on_;
    chain::resolver resolver_; // of the real client
    std::map<const void*, ringing> alarms_;
};

chain::http_reply reply(unsigned status, std::string body, std::vector<chain::http_field> fields = {});

// {"AccessKeyId":id,…} with an expiry.
std::string credential_json(std::string_view id, std::chrono::system_clock::time_point expiration);

} // namespace countersign::tests

// The doors between the credential chain and everything outside: environment, files, HTTP, commands, clock, chance.
// Sources know this interface only, so that a test can stand in for a whole machine. Control thread only.
#pragma once

#include "chain/command.hpp"
#include "chain/http.hpp"
#include "chain/resolver.hpp"
#include "chain/task.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace countersign::chain {

inline constexpr std::size_t longest_token_file = 64 * 1024;
inline constexpr std::size_t longest_ini_file = 1024 * 1024;

// Rings once, unless it is set again, cancelled or destroyed before.
class alarm {
public:
    virtual ~alarm() = default;
    virtual void set(std::chrono::milliseconds after, std::function<void()> ring) = 0;
    virtual void cancel() = 0;
};

// What tells one state of a file from another without reading it.
struct file_mark {
    std::int64_t modified = 0; // nanoseconds
    std::uint64_t size = 0;
    std::uint64_t inode = 0;
    bool operator==(const file_mark&) const = default;
};

class world {
public:
    virtual ~world() = default;
    virtual std::optional<std::string> env(std::string_view name) const = 0;
    // None: there is no such file. A failure: it is there and cannot be read, or is longer than `limit`.
    virtual result<std::optional<secret>> read_file(const std::filesystem::path& file, std::size_t limit) const = 0;
    // None: there is no such file, or it is none that stays (a pipe, a folder).
    virtual std::optional<file_mark> mark(const std::filesystem::path& file) const = 0;
    // The whole file or, when it fails, the old one; mode 0600, its owner kept. Links are followed; a missing
    // folder is made.
    virtual std::optional<failure> write_file(const std::filesystem::path& file, std::string_view text) = 0;
    virtual task<http_result> http(const http_ask& ask) = 0;
    virtual task<result<command_reply>> run(std::string command, std::chrono::milliseconds limit) = 0;
    virtual task<> pause(std::chrono::milliseconds length) = 0;
    virtual std::unique_ptr<alarm> make_alarm() = 0;
    virtual std::chrono::system_clock::time_point now() const = 0;
    virtual double random() = 0; // 0 ≤ r < 1

    // The variable, unless it is unset, empty, or only blanks: those are the same to every AWS client.
    std::optional<std::string> setting(std::string_view name) const;
};

// The process's own. REQUIRES: outlives everything that waits on `control`, or `control` is not run any more.
class system_world final : public world {
public:
    explicit system_world(boost::asio::io_context& control)
        : control_(control), names_(control), chance_(std::random_device{}()) {}

    std::optional<std::string> env(std::string_view name) const override;
    result<std::optional<secret>> read_file(const std::filesystem::path& file, std::size_t limit) const override;
    std::optional<file_mark> mark(const std::filesystem::path& file) const override;
    std::optional<failure> write_file(const std::filesystem::path& file, std::string_view text) override;
    task<http_result> http(const http_ask& ask) override;
    task<result<command_reply>> run(std::string command, std::chrono::milliseconds limit) override;
    task<> pause(std::chrono::milliseconds length) override;
    std::unique_ptr<alarm> make_alarm() override;
    std::chrono::system_clock::time_point now() const override { return std::chrono::system_clock::now(); }
    double random() override;
    void forget_names() { names_.forget_all(); }    // they are looked up anew
    void end_look_ups() noexcept { names_.stop(); } // run() need not wait for a silent server

private:
    boost::asio::io_context& control_;
    resolver names_;
    std::mt19937_64 chance_;
};

} // namespace countersign::chain

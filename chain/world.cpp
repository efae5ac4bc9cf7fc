#include "chain/world.hpp"

#include "chain/text.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace countersign::chain {

namespace asio = boost::asio;

namespace {

class system_alarm final : public alarm {
public:
    explicit system_alarm(asio::io_context& control) : timer_(control) {}
    ~system_alarm() override { ++*round_; }

    void set(std::chrono::milliseconds after, std::function<void()> ring) override {
        ++*round_;
        timer_.expires_after(after);
        // Cancelling cannot call back a completion that is already queued; the round tells that it is out of
        // date.
        timer_.async_wait([round = round_, mine = *round_, ring = std::move(ring)](boost::system::error_code error) {
            if (!error && *round == mine) {
                ring();
            }
        });
    }
    void cancel() override {
        ++*round_;
        timer_.cancel();
    }

private:
    asio::steady_timer timer_;
    std::shared_ptr<unsigned> round_ = std::make_shared<unsigned>(0);
};

struct descriptor {
    explicit descriptor(int n) : number(n) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    int number;
    ~descriptor() {
        if (number >= 0) {
            ::close(number);
        }
    }
};

// Reads what is there now. A pipe gets a moment to be written (AWS_CONFIG_FILE=<(...)), never more: this is
// the thread that everything else of the control side waits for.
ssize_t read_soon(int file, char* into, std::size_t length) {
    for (int polls = 0;; ++polls) {
        const ssize_t got = ::read(file, into, length);
        if (got >= 0 || (errno != EAGAIN && errno != EINTR) || polls == 4) {
            return got;
        }
        pollfd ready{file, POLLIN, 0};
        ::poll(&ready, 1, 50);
    }
}

bool write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::write(file, text.data(), text.size());
        if (sent < 0 && errno != EINTR) {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    }
    return ::fsync(file) == 0; // else a crash after the rename could leave an empty file
}

// With sudo the file stays its user's: a file of root's with mode 0600 would lock its owner out.
bool give_to_owner_of(const std::filesystem::path& old, int fresh) {
    struct stat about = {};
    return ::stat(old.c_str(), &about) != 0 || about.st_uid == ::geteuid() ||
           ::fchown(fresh, about.st_uid, about.st_gid) == 0;
}

// What a rename has to hit so that links stay links, as those to a folder of dotfiles.
std::filesystem::path behind_links(std::filesystem::path file) {
    std::error_code end;
    for (int links = 0; links < 40; ++links) {
        const auto target = std::filesystem::read_symlink(file, end);
        if (end) {
            break;
        }
        file = file.parent_path() / target; // an absolute target replaces all
    }
    return file;
}

} // namespace

std::optional<std::string> world::setting(std::string_view name) const {
    auto value = env(name);
    if (value && value->find_first_not_of(" \t\r\n") == std::string::npos) {
        value.reset();
    }
    return value;
}

std::optional<std::string> system_world::env(std::string_view name) const {
    const char* value = std::getenv(std::string(name).c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
}

result<std::optional<secret>> system_world::read_file(const std::filesystem::path& file, std::size_t limit) const {
    const auto broken = [&](std::string_view why) {
        return failure{fmt::format("{}: {}", printable(file.native(), 300), why), false};
    };
    const descriptor open_file{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (open_file.number < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return std::optional<secret>{};
    }
    if (open_file.number < 0) {
        return broken(std::strerror(errno));
    }
    std::vector<char> text(4096);
    std::size_t size = 0;
    std::optional<failure> trouble;
    for (ssize_t got = 1; got > 0 && !trouble;) {
        if (size == text.size()) {
            std::vector<char> larger(text.size() * 4);
            std::copy(text.begin(), text.end(), larger.begin());
            OPENSSL_cleanse(text.data(), text.size());
            text.swap(larger);
        }
        got = read_soon(open_file.number, text.data() + size, text.size() - size);
        if (got < 0) {
            trouble = broken(std::strerror(errno));
        } else if ((size += static_cast<std::size_t>(got)) > limit) {
            trouble = broken(fmt::format("longer than {} KiB", limit / 1024));
        }
    }
    std::optional<secret> content{std::in_place, std::string_view(text.data(), trouble ? 0 : size)};
    OPENSSL_cleanse(text.data(), text.size());
    if (trouble) {
        return *std::move(trouble);
    }
    return content;
}

std::optional<file_mark> system_world::mark(const std::filesystem::path& file) const {
    struct stat found {};
    if (::stat(file.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) {
        return std::nullopt;
    }
    return file_mark{
        std::int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec,
        static_cast<std::uint64_t>(found.st_size),
        found.st_ino};
}

std::optional<failure> system_world::write_file(const std::filesystem::path& file, std::string_view text) {
    const auto broken = [&] {
        return failure{fmt::format("{}: cannot be written: {}", printable(file.native(), 300), std::strerror(errno))};
    };
    const auto target = behind_links(file);
    ::mkdir(target.parent_path().c_str(), 0700); // ~/.aws of a user who never had one
    std::string name = target.native() + ".XXXXXX";
    const descriptor fresh{::mkostemp(name.data(), O_CLOEXEC)}; // mode 0600
    if (fresh.number < 0) {
        return broken();
    }
    if (give_to_owner_of(target, fresh.number) && write_all(fresh.number, text) &&
        ::rename(name.c_str(), target.c_str()) == 0) {
        return std::nullopt;
    }
    auto why = broken();
    ::unlink(name.c_str());
    return why;
}

task<result<command_reply>> system_world::run(std::string command, std::chrono::milliseconds limit) {
    return run_command(std::move(command), limit);
}

task<http_result> system_world::http(const http_ask& ask) {
    return ask_http(ask, setting("AWS_CA_BUNDLE").value_or(ask.ca_file), names_);
}

task<> system_world::pause(std::chrono::milliseconds length) {
    asio::steady_timer timer(control_, length);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

std::unique_ptr<alarm> system_world::make_alarm() {
    return std::make_unique<system_alarm>(control_);
}

double system_world::random() {
    return std::uniform_real_distribution<double>{0.0, 1.0}(chance_);
}

} // namespace countersign::chain

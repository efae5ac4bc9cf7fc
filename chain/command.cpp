#include "chain/command.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <spawn.h>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace countersign::chain {

namespace asio = boost::asio;
using boost::system::error_code;
using steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr auto shortest_look = 1ms; // between two questions whether the shell has ended
constexpr auto longest_look = 50ms;
constexpr int most_blocks = 16; // that are read in one go: what a pipe holds

// One of the command's outputs: keeps what fits and reads on, so that nobody waits for us.
class captured {
public:
    captured(const asio::any_io_executor& executor, std::size_t limit) : end_(executor), limit_(limit) {
        text_.reserve(limit); // never moved, so that there is one copy to wipe
    }
    ~captured() {
        OPENSSL_cleanse(text_.data(), text_.capacity());
        OPENSSL_cleanse(block_.data(), block_.size());
    }
    captured(const captured&) = delete;
    captured& operator=(const captured&) = delete;

    // Of the pipe's reading end; it is ours where there is no error.
    error_code take_over(int end) {
        error_code error;
        end_.assign(end, error);
        if (!error) {
            end_.non_blocking(true, error);
        }
        return error;
    }

    // Reads what is there now, as much as a pipe holds. False: there will be no more.
    bool read_what_is_there() {
        for (int blocks = 0; blocks < most_blocks && end_.is_open(); ++blocks) {
            error_code error;
            const auto size = end_.read_some(asio::buffer(block_), error);
            if (error == asio::error::would_block || error == asio::error::interrupted) {
                return true;
            }
            keep(size);
            if (error) {
                close();
            }
        }
        return end_.is_open();
    }

    void close() noexcept {
        error_code ignored;
        end_.close(ignored);
    }

    asio::posix::stream_descriptor& end() noexcept { return end_; }
    bool is_open() const noexcept { return end_.is_open(); }
    std::string_view text() const noexcept { return text_; }
    bool is_cut() const noexcept { return is_cut_; }

private:
    void keep(std::size_t size) {
        const auto fits = std::min(size, limit_ - text_.size());
        text_.append(block_.data(), fits);
        is_cut_ |= fits < size;
    }

    asio::posix::stream_descriptor end_;
    std::size_t limit_;
    std::string text_;
    std::array<char, 4096> block_{};
    bool is_cut_ = false;
};

struct running {
    explicit running(const asio::any_io_executor& executor)
        : output(executor, longest_command_output), complaint(executor, longest_command_complaint), news(executor) {}

    captured output;
    captured complaint;
    asio::steady_timer news; // cancelled when both outputs are closed, or there is too much of one
};

// Kills the group unless the shell has been reaped: afterwards its number may be another's. Waiting for a shell that
// was killed could block, so the next command reaps it.
class child {
public:
    child() = default;
    ~child() { kill(); }
    child(const child&) = delete;
    child& operator=(const child&) = delete;

    pid_t* place() noexcept { return &number_; }

    // None: it still runs. It is not reaped yet, so the group keeps its number.
    std::optional<int> ended() const noexcept {
        siginfo_t info{};
        if (::waitid(P_PID, static_cast<id_t>(number_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
            return 127;
        }
        if (info.si_pid == 0) {
            return std::nullopt;
        }
        return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    }

    // Of who has ended, without harm to what it left behind.
    void reap() noexcept { ::waitpid(std::exchange(number_, 0), nullptr, WNOHANG); }

    void kill() {
        if (number_ == 0) {
            return;
        }
        ::kill(-number_, SIGKILL);
        left_behind().push_back(std::exchange(number_, 0));
        reap_earlier();
    }

    static void reap_earlier() {
        std::erase_if(left_behind(), [](pid_t number) { return ::waitpid(number, nullptr, WNOHANG) != 0; });
    }

private:
    static std::vector<pid_t>& left_behind() {
        static std::vector<pid_t> numbers;
        return numbers;
    }

    pid_t number_ = 0;
};

struct pipe_ends {
    int read = -1;
    int write = -1;
    pipe_ends() = default;
    ~pipe_ends() {
        for (const int end : {read, write}) {
            if (end >= 0) {
                ::close(end);
            }
        }
    }
    pipe_ends(const pipe_ends&) = delete;
    pipe_ends& operator=(const pipe_ends&) = delete;

    bool open() noexcept {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) {
            return false;
        }
        read = ends[0];
        write = ends[1];
        return true;
    }
};

// A group of its own to be killed as a whole, every signal at its default and none blocked, and of our descriptors
// none: Asio's sockets are not close-on-exec.
int spawn_shell(const std::string& command, const pipe_ends& output, const pipe_ends& complaint, pid_t* number) {
    posix_spawnattr_t how;
    posix_spawn_file_actions_t files;
    ::posix_spawnattr_init(&how);
    ::posix_spawn_file_actions_init(&files);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&how, &none);
    ::posix_spawnattr_setsigdefault(&how, &all);
    ::posix_spawnattr_setpgroup(&how, 0);
    ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    for (const auto& [from, to] : {std::pair{output.write, STDOUT_FILENO}, std::pair{complaint.write, STDERR_FILENO}}) {
        if (error == 0) {
            error = ::posix_spawn_file_actions_adddup2(&files, from, to);
        }
    }
    if (error == 0) {
        error = ::posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    }
    std::string shell = "sh", option = "-c", text = command;
    char* arguments[] = {shell.data(), option.data(), text.data(), nullptr};
    if (error == 0) {
        error = ::posix_spawn(number, "/bin/sh", &files, &how, arguments, environ);
    }
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&how);
    return error;
}

// By value: the descriptor's last completion may come when the coroutine is gone. Only readiness is awaited, so that
// whoever reads in between finds every byte in its order.
void read_on(std::shared_ptr<running> r, captured running::*which) {
    ((*r).*which).end().async_wait(asio::posix::stream_descriptor::wait_read, [r, which](error_code error) {
        captured& read = (*r).*which;
        const bool goes_on = !error && read.read_what_is_there();
        // Too much on standard output ends it; on standard error it only costs the rest.
        if (r->output.is_cut() || (!r->output.is_open() && !r->complaint.is_open())) {
            r->news.cancel();
        } else if (goes_on) {
            read_on(r, which);
        }
    });
}

// Closes what is still read when the coroutine ends in whatever way.
struct closing {
    std::shared_ptr<running> of;
    ~closing() {
        of->output.close();
        of->complaint.close();
    }
};

// Is `text` the beginning of a JSON object whose end may still come? Nothing yet is one, too.
bool is_unfinished(std::string_view text) noexcept {
    int depth = 0;
    bool in_string = false, escaped = false;
    for (const char c : text) {
        if (escaped) {
            escaped = false;
        } else if (in_string) {
            escaped = c == '\\';
            in_string = c != '"';
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            if (--depth <= 0) {
                return false;
            }
        } else if (depth == 0 && c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return false;
        } else {
            in_string = c == '"';
        }
    }
    return true;
}

failure too_late(std::chrono::milliseconds limit) {
    return failure{fmt::format("it did not end within {} ms and was killed", limit.count()), true};
}

failure not_started(int error) {
    return failure{fmt::format("it could not be started: {}", std::strerror(error)), true};
}

// An errno, or 0.
int start(const std::string& command, running& r, child& shell) {
    child::reap_earlier();
    std::signal(SIGCHLD, SIG_DFL); // ignored (some supervisors leave it so), it would take the status away
    pipe_ends output, complaint;
    if (!output.open() || !complaint.open()) {
        return errno;
    }
    if (const int error = spawn_shell(command, output, complaint, shell.place())) {
        return error;
    }
    for (auto [to, end] : {std::pair{&r.output, &output}, std::pair{&r.complaint, &complaint}}) {
        const auto error = to->take_over(end->read);
        if (to->is_open()) {
            end->read = -1; // closed by its new owner
        }
        if (error) {
            return error.value();
        }
    }
    return 0;
}

} // namespace

task<result<command_reply>> run_command(std::string command, std::chrono::milliseconds limit) {
    const auto until = steady::now() + limit;
    const auto executor = co_await asio::this_coro::executor;
    const auto r = std::make_shared<running>(executor);
    const closing at_the_end{r};
    child shell;
    if (const int error = start(command, *r, shell)) {
        co_return not_started(error);
    }
    read_on(r, &running::output);
    read_on(r, &running::complaint);
    std::optional<int> status;
    for (std::chrono::milliseconds look = shortest_look;; look = std::min(look * 2, longest_look)) {
        r->news.expires_at(std::min(until, steady::now() + look));
        co_await r->news.async_wait(as_values);
        status = shell.ended();
        if (status) {
            r->output.read_what_is_there(); // all that it wrote is in the pipes by now
            r->complaint.read_what_is_there();
        }
        if (r->output.is_cut()) {
            co_return failure{fmt::format("it wrote more than {} KiB and was killed", longest_command_output / 1024)};
        }
        if (status && (*status != 0 || !r->output.is_open() || !is_unfinished(r->output.text()))) {
            break;
        }
        if (steady::now() >= until) {
            co_return too_late(limit);
        }
    }
    shell.reap();
    command_reply reply;
    reply.status = *status;
    reply.output = secret(r->output.text());
    reply.complaint = r->complaint.text();
    co_return reply;
}

} // namespace countersign::chain

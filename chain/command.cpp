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

// One of the command's outputs: keeps what fits, goes on reading, knows when more came.
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

    void keep(std::size_t size) {
        const auto fits = std::min(size, limit_ - text_.size());
        text_.append(block_.data(), fits);
        is_cut_ |= fits < size;
    }

    asio::posix::stream_descriptor& end() noexcept { return end_; }
    asio::mutable_buffer room() noexcept { return asio::buffer(block_); }
    std::string_view text() const noexcept { return text_; }
    bool is_cut() const noexcept { return is_cut_; }

private:
    asio::posix::stream_descriptor end_;
    std::size_t limit_;
    std::string text_;
    std::array<char, 4096> block_{};
    bool is_cut_ = false;
};

struct running {
    explicit running(const asio::any_io_executor& executor)
        : output(executor, longest_command_output), complaint(executor, longest_command_complaint), ended(executor) {}

    captured output;
    captured complaint;
    asio::steady_timer ended; // cancelled when there is nothing more to be read
    int open_ends = 2;
};

// Kills the group while the shell has not been reaped: afterwards its number may be another's. Waiting for a shell
// that was killed could block, so the next command reaps it.
class child {
public:
    child() = default;
    ~child() { kill(); }
    child(const child&) = delete;
    child& operator=(const child&) = delete;

    pid_t* place() noexcept { return &number_; }

    // None: it still runs.
    std::optional<int> ended() noexcept {
        int status = 0;
        const pid_t got = ::waitpid(number_, &status, WNOHANG);
        if (got == 0)
            return std::nullopt;
        number_ = 0;
        if (got < 0)
            return 127;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }

    void kill() {
        if (number_ == 0)
            return;
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
        for (const int end : {read, write})
            if (end >= 0)
                ::close(end);
    }
    pipe_ends(const pipe_ends&) = delete;
    pipe_ends& operator=(const pipe_ends&) = delete;

    bool open() noexcept {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0)
            return false;
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
    for (const auto& [from, to] : {std::pair{output.write, STDOUT_FILENO}, std::pair{complaint.write, STDERR_FILENO}})
        if (error == 0)
            error = ::posix_spawn_file_actions_adddup2(&files, from, to);
    if (error == 0)
        error = ::posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    std::string shell = "sh", option = "-c", text = command;
    char* arguments[] = {shell.data(), option.data(), text.data(), nullptr};
    if (error == 0)
        error = ::posix_spawn(number, "/bin/sh", &files, &how, arguments, environ);
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&how);
    return error;
}

// By value: the descriptor's last completion may come when the coroutine is gone.
void read_on(std::shared_ptr<running> r, captured running::*which) {
    captured& end = (*r).*which;
    end.end().async_read_some(end.room(), [r, which](error_code error, std::size_t size) {
        captured& read = (*r).*which;
        read.keep(size);
        // Too much on standard output ends it; on standard error it only costs the rest.
        if (error || (which == &running::output && read.is_cut())) {
            read.end().close(error);
            if (--r->open_ends == 0 || r->output.is_cut())
                r->ended.cancel();
            return;
        }
        read_on(r, which);
    });
}

// Closes what is still read when the coroutine ends in whatever way.
struct closing {
    std::shared_ptr<running> of;
    ~closing() {
        error_code ignored;
        of->output.end().close(ignored);
        of->complaint.end().close(ignored);
    }
};

failure too_late(std::chrono::milliseconds limit) {
    return failure{fmt::format("it did not end within {} ms and was killed", limit.count()), true};
}

failure not_started(int error) {
    return failure{fmt::format("it could not be started: {}", std::strerror(error)), true};
}

} // namespace

task<result<command_reply>> run_command(std::string command, std::chrono::milliseconds limit) {
    const auto until = steady::now() + limit;
    const auto executor = co_await asio::this_coro::executor;
    const auto r = std::make_shared<running>(executor);
    const closing at_the_end{r};
    child shell;
    child::reap_earlier();
    std::signal(SIGCHLD, SIG_DFL); // ignored (some supervisors leave it so), it would take the status away
    {
        pipe_ends output, complaint;
        if (!output.open() || !complaint.open())
            co_return not_started(errno);
        if (const int error = spawn_shell(command, output, complaint, shell.place()))
            co_return not_started(error);
        for (auto [to, end] : {std::pair{&r->output, &output}, std::pair{&r->complaint, &complaint}}) {
            error_code error;
            to->end().assign(end->read, error);
            if (error)
                co_return not_started(error.value());
            end->read = -1; // closed by its new owner
        }
    }
    r->ended.expires_at(until);
    read_on(r, &running::output);
    read_on(r, &running::complaint);
    co_await r->ended.async_wait(as_values);
    if (r->output.is_cut())
        co_return failure{fmt::format("it wrote more than {} KiB and was killed", longest_command_output / 1024)};
    if (r->open_ends > 0)
        co_return too_late(limit);
    std::optional<int> status = shell.ended();
    for (std::chrono::milliseconds look = shortest_look; !status; look = std::min(look * 2, longest_look)) {
        if (steady::now() >= until)
            co_return too_late(limit);
        asio::steady_timer next(executor, look);
        co_await next.async_wait(as_values);
        status = shell.ended();
    }
    command_reply reply;
    reply.status = *status;
    reply.output = secret(r->output.text());
    reply.complaint = r->complaint.text();
    co_return reply;
}

} // namespace countersign::chain

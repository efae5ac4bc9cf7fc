#include "tests/proxy/support/simulation.hpp"

#include "proxy/client_connection.hpp"
#include "tests/proxy/support/live_proxy.hpp"
#include "tests/proxy/support/scripted_network.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

namespace countersign::tests {

namespace {

using namespace std::chrono_literals;

// The body that is asked for by this number, in either direction: any piece of it tells whose it is.
std::string body_of(unsigned id, std::size_t size) {
    std::string out;
    while (out.size() < size) {
        out += fmt::format("<{}:{}>", id, out.size());
    }
    out.resize(size);
    return out;
}

std::string chunked(scripted_time& chance, std::string_view body, std::string_view trailers = "") {
    std::string out;
    while (!body.empty()) {
        const std::size_t n = std::min<std::size_t>(body.size(), 1 + chance.below(3000));
        out += fmt::format("{:x}\r\n{}\r\n", n, body.substr(0, n));
        body.remove_prefix(n);
    }
    return out.append("0\r\n").append(trailers).append("\r\n");
}

// What S3 may answer a copy with, status 200.
std::string hidden_error(unsigned id) {
    return fmt::format("<?xml version=\"1.0\"?>\n    <Error><Code>SlowDown</Code>{}</Error>", id);
}

// "" where the chunks are not whole.
std::string dechunked(std::string_view text, bool& whole) {
    std::string out;
    whole = false;
    for (;;) {
        const std::size_t end = text.find("\r\n");
        if (end == std::string_view::npos) {
            return out;
        }
        const std::size_t n = std::stoul(std::string(text.substr(0, end)), nullptr, 16);
        text.remove_prefix(end + 2);
        if (n == 0) {
            whole = text == "\r\n";
            return out;
        }
        out += text.substr(0, n);
        if (text.size() < n + 2) {
            return out;
        }
        text.remove_prefix(n + 2);
    }
}

std::string value_of(std::string_view head, std::string_view name) {
    const std::size_t at = head.find(fmt::format("\r\n{}: ", name));
    if (at == std::string_view::npos) {
        return "";
    }
    const std::size_t begin = at + name.size() + 4;
    return std::string(head.substr(begin, head.find("\r\n", begin) - begin));
}

struct asked {
    unsigned id = 0;
    std::size_t up = 0, down = 0; // sizes of the bodies
    bool is_post = false;
    bool is_chunked = false;
    bool is_copy = false;
    bool is_unsigned = false; // its body: streamed, where it is larger than what is kept
};

class scenario {
public:
    explicit scenario(std::uint64_t seed);
    ~scenario();
    std::string play();

private:
    // A client: sends its requests, checks what comes.
    struct client {
        connection_ptr line;
        std::vector<asked> requests;
        std::size_t next_answer = 0;
        std::string got;
        bool leaves = false;
        bool is_over = false;
    };
    // The service's end of a connection.
    struct service {
        connection_ptr line;
        std::string got;
        std::size_t unread = 0; // of a body that was answered early
        bool is_busy = false;
        bool has_invited = false; // 100 Continue, for the request that comes
    };

    void connect(client& c);
    void send_slowly(connection_ptr to, std::string bytes, std::function<void()> then);
    void read_client(client& c);
    void check_answer(client& c, std::string_view head, std::string_view body, bool whole);
    bool take_answer(client& c, bool at_end);
    void serve(const connection_ptr& line);
    void read_service(const std::shared_ptr<service>& s);
    void answer(const std::shared_ptr<service>& s, unsigned id, std::size_t size);
    void turn();
    void tick();
    bool is_over() const;
    void fail(std::string why) {
        if (failure_.empty()) {
            failure_ = std::move(why);
        }
    }

    std::uint64_t seed_;
    scripted_time time_;
    faults faults_;
    scripted_sockets sockets_;
    scripted_dialler dialler_;
    proxy::shared_state shared_;
    std::unique_ptr<proxy::worker_state> worker_;
    proxy::exchange_store store_;
    std::vector<std::unique_ptr<client>> clients_;
    std::vector<connection_ptr> served_; // each is held by what it tells of its changes
    std::map<unsigned, asked> asked_;
    std::map<unsigned, unsigned> attempts_;
    double unreliable_ = 0; // how often the service does something else than to answer
    std::string failure_;
};

// Each fault in turn at the first 200 calls of a plain scenario, then everything at random.
faults faults_of(std::uint64_t seed, scripted_time& chance) {
    faults f;
    if (seed < 200) {
        f.at = seed;
        return f;
    }
    constexpr std::array<double, 4> levels{0, 0.02, 0.2, 0.6};
    f.short_call = levels[chance.below(4)];
    f.not_now = levels[chance.below(3)];
    f.broken = chance.happens(0.3) ? 0.02 : 0;
    return f;
}

enum class turns : std::uint8_t { at_once, awaited };

std::shared_ptr<const conf::config> make_config(turns t) {
    auto c = std::make_shared<conf::config>();
    c->log.access = false;
    c->payload.memory_total = 1 << 20;
    c->payload.replay_limit = 0;
    c->payload.memory_limit = 10'000; // bodies have up to 9,000 bytes
    conf::route all;
    all.host = "*.amazonaws.com";
    all.connect = conf::endpoint{"127.0.0.1", 1};
    all.scheme = conf::scheme::http;
    if (t == turns::awaited) {
        c->retry.mode = conf::retry_mode::adaptive;
        all.rate_limit = conf::rate{2, 1s};
    }
    c->routes.push_back(all);
    return c;
}

scenario::scenario(std::uint64_t seed)
    : seed_(seed), time_(seed), faults_(faults_of(seed, time_)), sockets_(time_, faults_),
      dialler_(time_, sockets_, seed < 200 ? 0 : 0.1, [this](const connection_ptr& line) { serve(line); }) {
    static const auto usual = make_config(turns::at_once);
    static const auto slow = make_config(turns::awaited);
    static const proxy::trust_store trusted = proxy::make_trust_store("");
    shared_.config = seed % 3 == 2 ? slow : usual;
    shared_.via_name = "countersign-simulation";
    X509_STORE_up_ref(trusted.get());
    shared_.trusted.reset(trusted.get());
    worker_ = std::make_unique<proxy::worker_state>(shared_, proxy::outside{time_, sockets_, &dialler_});
    proxy::held_identity& who = worker_->identities[0];
    who.known = some_credentials();
    who.keys.reset(new proxy::held_keys{who.known.current});
    unreliable_ = seed < 200 ? 0 : 0.4;
    unsigned id = 1;
    for (std::uint64_t i = 0, n = 1 + time_.below(3); i != n; ++i) {
        auto c = std::make_unique<client>();
        for (std::uint64_t k = 0, count = 1 + time_.below(3); k != count; ++k, ++id) {
            asked a{id, time_.below(9000), time_.below(20000), time_.happens(0.6), time_.happens(0.3)};
            a.up = a.is_post ? a.up : 0;
            a.is_copy = a.is_post && time_.happens(0.3);
            a.is_unsigned = a.is_post && !a.is_chunked && !a.is_copy && time_.happens(0.6);
            a.up += a.is_unsigned ? 10'001 : 0; // more than is kept
            c->requests.push_back(a);
            asked_[id] = a;
        }
        c->leaves = time_.happens(0.1);
        clients_.push_back(std::move(c));
    }
    for (const auto& c : clients_) {
        time_.after(std::chrono::milliseconds{time_.below(300)}, [this, &c = *c] { connect(c); });
    }
}

void scenario::connect(client& c) {
    c.line = sockets_.open();
    c.line->window = 512 + time_.below(8192);
    c.line->on_change = [this, &c] {
        time_.after(std::chrono::milliseconds{time_.below(5)}, [this, &c] { read_client(c); });
    };
    proxy::serve_client(c.line->descriptor, {proxy::asio::ip::address_v4::loopback(), 1}, *worker_, store_);
    std::string text;
    for (const asked& a : c.requests) {
        const std::string body = a.is_post ? body_of(a.id, a.up) : "";
        text += fmt::format("{} /{}/{} HTTP/1.1\r\nHost: {}\r\n", a.is_post ? "PUT" : "GET", a.id, a.down, s3_host);
        text += a.is_copy ? "x-amz-copy-source: /b/k\r\n" : "";
        text += a.is_unsigned ? "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\n" : "";
        if (a.is_post && a.is_chunked) {
            text += "Transfer-Encoding: chunked\r\n\r\n" + chunked(time_, body);
        } else if (a.is_post) {
            text += fmt::format("Content-Length: {}\r\n\r\n{}", a.up, body);
        } else {
            text += "\r\n";
        }
    }
    if (c.leaves) {
        text.resize(time_.below(text.size()));
    }
    send_slowly(c.line, text, [this, &c] {
        if (c.leaves) {
            time_.happens(0.5) ? sockets_.reset(*c.line) : sockets_.finish(*c.line);
        }
    });
}

void scenario::send_slowly(connection_ptr to, std::string bytes, std::function<void()> then) {
    if (bytes.empty() || to->near_closed) {
        then();
        return;
    }
    const std::size_t n = std::min<std::size_t>(bytes.size(), 1 + time_.below(6000));
    sockets_.send(*to, bytes.substr(0, n));
    const auto wait = time_.happens(0.01) ? 20'000 : time_.below(20);
    time_.after(std::chrono::milliseconds{wait}, [this, to, rest = bytes.substr(n), then = std::move(then)]() mutable {
        send_slowly(to, std::move(rest), std::move(then));
    });
}

void scenario::read_client(client& c) {
    c.got += sockets_.take(*c.line, 1 + time_.below(4000));
    if (!c.line->from_proxy.empty()) {
        time_.after(std::chrono::milliseconds{time_.below(10)}, [this, &c] { read_client(c); });
    }
    const bool at_end = c.line->near_ended && c.line->from_proxy.empty();
    while (take_answer(c, at_end)) {
    }
    if (at_end && !c.is_over) {
        c.is_over = true;
        if (!c.got.empty() && c.next_answer >= c.requests.size()) {
            fail(fmt::format("bytes that answer nothing: {}", c.got));
        }
        sockets_.finish(*c.line);
    } else if (c.next_answer == c.requests.size() && !c.is_over) {
        c.is_over = true;
        sockets_.finish(*c.line);
    }
}

// One answer off the front of what the client has got. False: not there yet.
bool scenario::take_answer(client& c, bool at_end) {
    const std::size_t end = c.got.find("\r\n\r\n");
    if (end == std::string::npos || c.next_answer >= c.requests.size()) {
        return false;
    }
    const std::string head = c.got.substr(0, end + 2);
    const std::string rest = c.got.substr(end + 4);
    if (head.starts_with("HTTP/1.1 100")) {
        c.got = rest;
        return true;
    }
    const std::string length = value_of(head, "Content-Length");
    if (!length.empty()) {
        const std::size_t n = std::stoul(length);
        if (rest.size() < n && !at_end) {
            return false;
        }
        check_answer(c, head, rest.substr(0, n), rest.size() >= n);
        c.got = rest.size() >= n ? rest.substr(n) : "";
        ++c.next_answer;
        return true;
    }
    const std::size_t last = rest.find("0\r\n\r\n");
    bool whole = false;
    const bool is_first_chunk = last == 0 || (last != std::string::npos && rest.substr(last - 2, 2) == "\r\n");
    if (!is_first_chunk && !at_end) {
        return false;
    }
    const std::size_t size = is_first_chunk ? last + 5 : rest.size();
    const std::string body = dechunked(std::string_view(rest).substr(0, size), whole);
    check_answer(c, head, body, whole);
    c.got = rest.substr(size);
    ++c.next_answer;
    return true;
}

void scenario::check_answer(client& c, std::string_view head, std::string_view body, bool whole) {
    const asked& a = c.requests[c.next_answer];
    if (!value_of(head, "x-countersign-error").empty() || c.leaves) { // ours: it answers whatever was asked
        return;
    }
    const unsigned status = static_cast<unsigned>(std::stoul(std::string(head.substr(9, 3))));
    const std::string expected =
        status == 200 ? body_of(a.id, a.down) : fmt::format("<Error><Code>SlowDown</Code>{}</Error>", a.id);
    if (whole && body != expected && body != hidden_error(a.id)) {
        const auto differs = std::mismatch(body.begin(), body.end(), expected.begin(), expected.end()).first;
        fail(fmt::format(
            "request {}: another body, {} bytes instead of {}, from {} on: {}",
            a.id,
            body.size(),
            expected.size(),
            differs - body.begin(),
            std::string_view(differs, body.end()).substr(0, 60)
        ));
    }
    if (!whole && !std::string_view(expected).starts_with(body)) {
        fail(fmt::format("request {}: bytes that are not its own", a.id));
    }
}

void scenario::serve(const connection_ptr& line) {
    auto s = std::make_shared<service>();
    s->line = line;
    served_.push_back(line);
    line->window = 256 + time_.below(8192);
    line->on_change = [this, s] {
        time_.after(std::chrono::milliseconds{time_.below(5)}, [this, s] { read_service(s); });
    };
}

void scenario::read_service(const std::shared_ptr<service>& s) {
    s->got += sockets_.take(*s->line, 1 + time_.below(5000));
    if (s->line->near_closed) {
        s->line->on_change = nullptr;
        return;
    }
    if (s->line->far_ended && !s->is_busy && !s->got.empty()) { // nobody is there any more
        sockets_.reset(*s->line);
        return;
    }
    const std::size_t skipped = std::min(s->unread, s->got.size());
    s->got.erase(0, skipped);
    s->unread -= skipped;
    if (!s->line->from_proxy.empty()) {
        time_.after(std::chrono::milliseconds{time_.below(10)}, [this, s] { read_service(s); });
    }
    const std::size_t end = s->got.find("\r\n\r\n");
    if (s->is_busy || end == std::string::npos) {
        return;
    }
    const std::string head = s->got.substr(0, end + 2);
    const std::string length = value_of(head, "Content-Length");
    const std::size_t n = length.empty() ? 0 : std::stoul(length);
    const std::string target = head.substr(5, head.find(' ', 5) - 5); // "1/100", of GET or PUT alike
    const std::size_t slash = target.find('/');
    const auto id = static_cast<unsigned>(std::stoul(target.substr(0, slash)));
    const std::size_t size = std::stoul(target.substr(slash + 1));
    if (!s->has_invited && !value_of(head, "Expect").empty() && time_.happens(0.7)) {
        s->has_invited = true;
        sockets_.send(*s->line, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    const bool is_early = time_.happens(unreliable_ * 0.05);
    if (s->got.size() < end + 4 + n && !is_early) {
        return;
    }
    if (!is_early && s->got.substr(end + 4, n) != body_of(id, asked_.at(id).up)) {
        fail(fmt::format("request {}: the service got another body", id));
    }
    if (value_of(head, "Authorization").empty() && value_of(head, "authorization").empty()) {
        fail(fmt::format("request {} came without a signature", id));
    }
    const std::size_t used = std::min(s->got.size(), end + 4 + n);
    s->got.erase(0, used);
    s->unread = end + 4 + n - used;
    s->is_busy = true;
    s->has_invited = false;
    if (++attempts_[id] > 7) {
        fail(fmt::format("request {} came {} times", id, attempts_[id]));
    }
    answer(s, id, size);
}

void scenario::answer(const std::shared_ptr<service>& s, unsigned id, std::size_t size) {
    const std::uint64_t kind = time_.happens(unreliable_) ? 1 + time_.below(10) : 0;
    const std::string body = body_of(id, size);
    const std::string chunked_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    std::string text =
        time_.happens(0.5)
            ? fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", size, body)
            : chunked_head + chunked(time_, body, time_.happens(0.3) ? "X-T: some trailer\r\nY:\r\n" : "");
    const std::string slow_down = fmt::format("<Error><Code>SlowDown</Code>{}</Error>", id);
    std::function<void()> then = [s] { s->is_busy = false; };
    switch (kind) {
    case 1: // cut off
        text.resize(time_.below(text.size()));
        then = [this, s] { sockets_.finish(*s->line); };
        break;
    case 2:
        text.resize(time_.below(text.size()));
        then = [this, s] { sockets_.reset(*s->line); };
        break;
    case 3: // never
        return;
    case 4:
        text = fmt::format("HTTP/1.1 503 Slow Down\r\nContent-Length: {}\r\n\r\n{}", slow_down.size(), slow_down);
        break;
    case 5: // more than an answer, at once with its end: nobody could tell it from an answer to what came meanwhile
        then = [this, s, end = text.substr(text.size() - 1)] {
            sockets_.send(*s->line, end + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
            s->is_busy = false;
        };
        text.pop_back();
        break;
    case 6: // the connection's end is the answer's
        text = "HTTP/1.1 200 OK\r\n\r\n" + body;
        then = [this, s] { sockets_.finish(*s->line); };
        break;
    case 7: // it ends as soon as it lies idle
        then = [this, s] {
            s->is_busy = false;
            sockets_.finish(*s->line);
        };
        break;
    case 8:
        text = "HTTP/1.1 100 Continue\r\n\r\n" + text;
        break;
    case 9: // something while it lies idle
        then = [this, s] {
            s->is_busy = false;
            time_.after(5ms, [this, s] {
                if (!s->is_busy && s->got.empty()) {
                    sockets_.send(*s->line, "HTTP/1.1 408 Idle\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
                    sockets_.finish(*s->line);
                }
            });
        };
        break;
    case 10:
        text = chunked_head + chunked(time_, hidden_error(id));
        break;
    default:
        break;
    }
    send_slowly(s->line, text, then);
}

void scenario::turn() {
    worker_->time.refresh();
    worker_->sockets.turn();
    worker_->alarms.ring(worker_->now());
}

void scenario::tick() {
    worker_->time.refresh();
    worker_->tick();
    time_.after(100ms, [this] { tick(); });
}

bool scenario::is_over() const {
    const bool all_left =
        std::all_of(clients_.begin(), clients_.end(), [](const auto& c) { return c->line && c->is_over; });
    return all_left && worker_->metrics.client_connections == 0;
}

scenario::~scenario() {
    for (const connection_ptr& line : served_) {
        line->on_change = nullptr;
    }
    for (const auto& c : clients_) {
        if (c->line) {
            c->line->on_change = nullptr;
        }
    }
}

std::string scenario::play() {
    constexpr auto patience = 20min; // three requests, each of at most 85 s and its clients' dawdling
    const proxy::steady_time begin = time_.steady_now();
    tick();
    while (!is_over() && failure_.empty()) {
        while (time_.run_due()) {
        }
        turn();
        if (sockets_.has_events()) {
            continue;
        }
        time_.advance_to(std::min(time_.next(), worker_->alarms.next()));
        if (time_.steady_now() - begin > patience) {
            fail("a client was neither answered nor closed");
        }
    }
    if (shared_.body_bytes != 0 && failure_.empty()) {
        fail("the bytes of a body are still counted");
    }
    worker_->destinations.clear();
    if (failure_.empty() && worker_->metrics.upstream_connections != 0) {
        fail("an upstream connection is left");
    }
    return failure_.empty() ? "" : fmt::format("seed {}: {}", seed_, failure_);
}

} // namespace

std::string simulate(std::uint64_t seed) {
    return scenario{seed}.play();
}

} // namespace countersign::tests

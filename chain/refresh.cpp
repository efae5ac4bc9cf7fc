#include "chain/refresh.hpp"

#include "chain/file_watch.hpp"
#include "chain/identity.hpp"
#include "chain/rfc3339.hpp"
#include "chain/world.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

namespace countersign::chain {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using wall_clock = std::chrono::system_clock;
using seconds_f = std::chrono::duration<double>;

namespace {

constexpr auto advisory = 15min;
constexpr auto mandatory = 10min;
constexpr auto longest_jitter = 1min;
constexpr auto unlimited_again = 15min; // keys without expiry: files and environment are looked at again
constexpr auto shortest_wait = 1s;
constexpr auto shortest_backoff = 500ms; // keys that live seconds leave no time for more
constexpr auto longest_backoff = 60s;
constexpr auto longest_backoff_when_urgent = 30s;
// Nobody can sign meanwhile, and an endpoint that is back must be noticed soon.
constexpr auto longest_backoff_without_keys = 15s;
constexpr auto look_at_files_every = 2s;
// The wait is taken in pieces, so that a suspended machine or a clock set anew is noticed.
constexpr auto longest_nap = 1min;

wall_clock::duration in_clock(seconds_f length) noexcept {
    return std::chrono::duration_cast<wall_clock::duration>(length);
}

wall_clock::duration renewal_wait(wall_clock::duration life, double u01) noexcept {
    return life < 2 * advisory ? life / 2 : life - advisory - in_clock(u01 * seconds_f(longest_jitter));
}

wall_clock::duration backoff(unsigned failures, wall_clock::duration life, double u01) noexcept {
    const seconds_f longest = life <= 0s         ? longest_backoff_without_keys
                              : life > mandatory ? longest_backoff
                                                 : longest_backoff_when_urgent;
    const seconds_f base = seconds_f(1s) * static_cast<double>(1U << std::min(failures - 1, 10U));
    return in_clock(std::min(base, longest) * (0.5 + 0.5 * u01));
}

} // namespace

wall_clock::time_point
refresh_at(const credentials* current, unsigned failures, wall_clock::time_point now, double u01) noexcept {
    const bool limited = current && current->expiration;
    const auto life = limited   ? std::max(*current->expiration - now, wall_clock::duration::zero())
                      : current ? wall_clock::duration::max()
                                : wall_clock::duration::zero();
    if (!current && failures == 0) {
        return now;
    }
    wall_clock::duration wait;
    if (failures > 0) {
        wait = backoff(failures, life, u01);
        if (life > wall_clock::duration::zero()) {
            wait = std::min(wait, life / 2);
        }
        if (life > mandatory) {
            wait = std::min<wall_clock::duration>(wait, life - mandatory);
        }
    } else {
        wait = limited ? renewal_wait(life, u01) : wall_clock::duration(unlimited_again);
    }
    return now + std::max<wall_clock::duration>(wait, failures > 0 ? shortest_backoff : shortest_wait);
}

struct refresher::state : std::enable_shared_from_this<refresher::state> {
    state(asio::io_context& on, world& w, chain_settings from, subscriber s)
        : control(on), outside(w), settings(std::move(from)), sources(make_chain(settings)), files(settings),
          tell(std::move(s)), due_alarm(w.make_alarm()), deadline_alarm(w.make_alarm()), look_alarm(w.make_alarm()) {}

    void begin();
    void finish(std::exception_ptr cut_off);
    void keep(result<credentials> loaded);
    void schedule(wall_clock::time_point at);
    void nap();
    void load_now();
    void look_at_files();
    std::string_view source_in_use() const;
    void stop();

    asio::io_context& control;
    world& outside;
    const chain_settings settings;
    provider_list sources;
    file_watch files;
    subscriber tell;
    std::unique_ptr<alarm> due_alarm, deadline_alarm, look_alarm;
    // One for each load: its slot is part of the load's coroutine.
    std::unique_ptr<asio::cancellation_signal> cancel;

    snapshot known;
    std::string_view source; // that gave known.current
    unsigned failures = 0;
    bool loading = false;
    bool stopped = false;
    wall_clock::time_point due{};
    wall_clock::time_point last_begin{};
    std::vector<attempt> tried;
    result<credentials> loaded = failure{};
};

namespace {

// By value: the coroutine outlives its caller. `state` is private to refresher, hence the template.
template <class State>
task<> load(std::shared_ptr<State> s) {
    s->loaded = co_await load_identity(s->sources, s->settings, s->outside, s->tried, s->source_in_use());
}

} // namespace

void refresher::state::begin() {
    if (loading || stopped) {
        return;
    }
    loading = true;
    last_begin = outside.now();
    due_alarm->cancel();
    files.take(outside); // before they are read: what changes meanwhile is noticed afterwards
    cancel = std::make_unique<asio::cancellation_signal>();
    deadline_alarm->set(longest_load, [weak = weak_from_this()] {
        if (const auto self = weak.lock(); self && self->loading) {
            self->cancel->emit(asio::cancellation_type::terminal);
        }
    });
    asio::co_spawn(
        control,
        load(shared_from_this()),
        asio::bind_cancellation_slot(
            cancel->slot(),
            [self = shared_from_this()](std::exception_ptr cut_off) {
                // Not here: the frames that this completion ends still hold the slot.
                asio::post(self->control, [self, cut_off] { self->finish(cut_off); });
            }
        )
    );
}

void refresher::state::finish(std::exception_ptr cut_off) {
    loading = false;
    deadline_alarm->cancel();
    if (stopped) {
        return;
    }
    if (cut_off) {
        loaded = cut_off_load(tried);
    }
    keep(std::move(loaded));
    loaded = failure{};
    schedule(refresh_at(known.current.get(), failures, outside.now(), outside.random()));
    known.load_began = last_begin;
    tell(known);
}

// What was there before stays when nothing better came: valid keys are used to their end, and who signs looks
// at it.
void refresher::state::keep(result<credentials> fresh) {
    const auto now = outside.now();
    known.left_out.clear();
    for (const auto& asked : sources) {
        for (auto& line : asked->warnings()) {
            known.left_out.push_back(std::move(line));
        }
    }
    if (fresh && fresh->expired_at(now)) {
        fresh = failure{
            fmt::format("{}: credentials that expired at {}", fresh->provider, write_rfc3339(*fresh->expiration)),
            true};
    }
    if (fresh) {
        const auto used =
            std::find_if(tried.begin(), tried.end(), [](const attempt& a) { return a.outcome == finding::used; });
        source = used == tried.end() ? std::string_view{} : used->source;
        known.error = fresh->notice;
        known.warning = hidden_role(tried, outside);
        known.current = std::make_shared<const credentials>(*std::move(fresh));
        failures = 0;
    } else {
        known.error = std::move(fresh.error().detail);
        ++failures;
    }
}

void refresher::state::schedule(wall_clock::time_point at) {
    due = at;
    nap();
}

void refresher::state::nap() {
    const auto left = std::clamp<wall_clock::duration>(due - outside.now(), 0s, longest_nap);
    due_alarm->set(std::chrono::ceil<std::chrono::milliseconds>(left), [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || self->stopped || self->loading) {
            return;
        }
        if (self->outside.now() < self->due) {
            self->nap();
        } else {
            self->begin();
        }
    });
}

// An identity is left only when its credentials are of no more use.
std::string_view refresher::state::source_in_use() const {
    return known.current && !known.current->expired_at(outside.now()) ? source : std::string_view{};
}

void refresher::state::load_now() {
    if (loading || stopped) {
        return;
    }
    const auto earliest = last_begin + shortest_wait;
    // A clock set back must not keep us from loading.
    if (const auto now = outside.now(); earliest > now && last_begin <= now) {
        schedule(std::min(due, earliest));
    } else {
        begin();
    }
}

void refresher::state::look_at_files() {
    look_alarm->set(look_at_files_every, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || self->stopped) {
            return;
        }
        if (!self->loading && self->files.changed(self->outside)) {
            self->load_now();
        }
        self->look_at_files();
    });
}

void refresher::state::stop() {
    stopped = true;
    look_alarm->cancel();
    due_alarm->cancel();
    deadline_alarm->cancel();
    if (loading) {
        cancel->emit(asio::cancellation_type::terminal);
    }
}

refresher::refresher(asio::io_context& control, world& outside, chain_settings settings, subscriber tell)
    : state_(std::make_shared<state>(control, outside, std::move(settings), std::move(tell))) {}

refresher::~refresher() {
    state_->stop();
}

void refresher::start() {
    state_->begin();
    state_->look_at_files();
}

void refresher::load_now() {
    state_->load_now();
}

void refresher::stop() {
    state_->stop();
}

} // namespace countersign::chain

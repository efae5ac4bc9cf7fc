#include "chain/resolver.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <utility>

namespace countersign::chain {

resolver::resolver(
    boost::asio::io_context& context, known_name::address_judge trusts, std::optional<name_service> service
)
    : context_(context), trusts_(trusts), service_(std::move(service)) {}

resolver::name resolver::find(std::string_view host) {
    std::string text(host);
    if (const auto found = names_.find(text); found != names_.end()) {
        return found->second;
    }
    boost::system::error_code not_numeric;
    const auto literal = boost::asio::ip::make_address(text, not_numeric);
    name fresh{new entry(host, not_numeric ? known_name{} : known_name{literal, trusts_})};
    make_room();
    names_.emplace(std::move(text), fresh);
    return fresh;
}

// A full table keeps what somebody holds: a worker's destinations, whose number is bounded as well.
void resolver::make_room() {
    if (names_.size() >= most_names) {
        std::erase_if(names_, [](const auto& known) { return known.second.use_count() == 1; });
    }
}

known_name::standing resolver::check(const name& n, known_name::time now, known_name::wanted w) {
    const auto standing = n->known.at(now, w);
    if (standing == known_name::standing::stale && n->known.may_renew(now)) {
        ask(n);
    }
    return standing;
}

bool resolver::ask(const name& n, std::function<void()> ended) {
    if (stopped_ || n->known.is_literal()) {
        return false;
    }
    if (!n->under_way) {
        begin(n);
    }
    if (ended) {
        n->waiting.push_back(std::move(ended));
    }
    return true;
}

// The oldest look-up makes room for a new one: with so many it is the one least likely to be answered, so names that
// nobody answers for cannot keep the others waiting.
void resolver::begin(const name& n) {
    if (under_way_.size() >= most_look_ups) {
        ending_.push_back(under_way_.front());
        under_way_.pop_front();
        ending_.back()->under_way->give_up("too many names were looked up at once");
    }
    n->under_way = std::make_shared<look_up>(context_, [this, n](name_answer a) { end(n, std::move(a)); });
    under_way_.push_back(n);
    n->under_way->begin(n->host, service_ ? *service_ : system_name_service());
}

void resolver::end(const name& n, name_answer a) {
    std::erase(under_way_, n);
    std::erase(ending_, n);
    n->under_way.reset();
    n->known.take(std::move(a), std::chrono::steady_clock::now(), trusts_);
    for (const auto& ended : std::exchange(n->waiting, {})) {
        ended();
    }
}

void resolver::stop() noexcept {
    stopped_ = true;
    const auto drop = [](const name& n) {
        std::exchange(n->under_way, nullptr)->drop();
        n->waiting.clear();
    };
    for (const name& n : std::exchange(under_way_, {})) {
        drop(n);
    }
    for (const name& n : std::exchange(ending_, {})) {
        drop(n);
    }
}

} // namespace countersign::chain

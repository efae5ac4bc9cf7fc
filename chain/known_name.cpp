#include "chain/known_name.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace countersign::chain {

using boost::asio::ip::address;

std::vector<address> by_turns(const std::vector<address>& sorted) {
    std::vector<address> in_turn;
    if (sorted.empty()) {
        return in_turn;
    }
    const bool v6_first = sorted.front().is_v6();
    const auto next_of = [&](auto from, bool v6) {
        return std::find_if(from, sorted.end(), [v6](const address& a) { return a.is_v6() == v6; });
    };
    auto first = next_of(sorted.begin(), v6_first);
    auto second = next_of(sorted.begin(), !v6_first);
    while (first != sorted.end() || second != sorted.end()) {
        if (first != sorted.end()) {
            in_turn.push_back(*first);
            first = next_of(std::next(first), v6_first);
        }
        if (second != sorted.end()) {
            in_turn.push_back(*second);
            second = next_of(std::next(second), !v6_first);
        }
    }
    return in_turn;
}

known_name::known_name(const address& literal, address_judge trusts)
    : addresses_{literal}, trusted_(!trusts || trusts(literal)), fresh_until_(time::max()),
      refused_until_(time::max()) {}

void known_name::take(name_answer a, time now, address_judge trusts) {
    if (a.verdict == name_verdict::failed) {
        trouble_ = std::move(a.detail);
        next_trial_ = now + next_trial;
        return;
    }
    trusted_ = !trusts || std::all_of(a.addresses.begin(), a.addresses.end(), trusts);
    addresses_ = by_turns(a.addresses);
    whole_ = addresses_.size() <= most_addresses;
    if (!whole_) {
        addresses_.resize(most_addresses);
    }
    addresses_.shrink_to_fit();
    fresh_until_ = now + std::clamp<std::chrono::seconds>(a.lasts, shortest, longest);
    refused_until_ = now + refusal;
    next_trial_ = now;
    trouble_ = std::move(a.detail);
}

known_name::standing known_name::at(time now, wanted w) const noexcept {
    if (addresses_.empty()) {
        return now < refused_until_ ? standing::absent : standing::unknown;
    }
    if (w == wanted::trusted && !trusted_) {
        return now < refused_until_ ? standing::untrusted : standing::unknown;
    }
    if (now < fresh_until_) {
        return standing::fresh;
    }
    return now < fresh_until_ + beyond ? standing::stale : standing::unknown;
}

} // namespace countersign::chain

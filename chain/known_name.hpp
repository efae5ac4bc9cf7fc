// What is known of one host's addresses, and for how long it may be used: pure policy, no socket and no clock. A name
// that has addresses keeps them for their TTL, and while nobody can say anything newer for some time beyond it. A fresh
// answer replaces all that was known, whatever it says.
#pragma once

#include "chain/look_up.hpp"

#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace countersign::chain {

// In the order in which to dial them (RFC 8305 section 4): as they come, but with the families by turns.
std::vector<boost::asio::ip::address> by_turns(const std::vector<boost::asio::ip::address>& sorted);

class known_name {
public:
    using time = std::chrono::steady_clock::time_point;
    using address_judge = bool (*)(const boost::asio::ip::address&);

    static constexpr std::chrono::seconds shortest{5};   // a TTL below counts as this
    static constexpr std::chrono::minutes longest{5};    // one above as this
    static constexpr std::chrono::minutes beyond{10};    // expired addresses serve for so long when no news comes
    static constexpr std::chrono::seconds refusal{1};    // that a name is absent, or its addresses are not trusted
    static constexpr std::chrono::seconds next_trial{1}; // after a renewal that failed
    static constexpr std::size_t most_addresses = 32;    // are kept; all of an answer are judged

    enum class standing : std::uint8_t {
        unknown,   // ask, and wait for the answer
        fresh,     // addresses() may be dialled
        stale,     // they may, and somebody should ask
        absent,    // there is no such name
        untrusted, // one of its addresses may not be dialled, and so none
    };
    enum class wanted : std::uint8_t { any, trusted };

    known_name() = default;
    explicit known_name(const boost::asio::ip::address& literal, address_judge trusts); // for ever

    // `trusts` is asked of every address of the answer; null: all are trusted.
    void take(name_answer a, time now, address_judge trusts);

    standing at(time now, wanted w) const noexcept;
    bool is_literal() const noexcept { return fresh_until_ == time::max(); }
    bool may_renew(time now) const noexcept { return now >= next_trial_; } // of a stale one
    const std::vector<boost::asio::ip::address>& addresses() const noexcept { return addresses_; }
    bool is_whole() const noexcept { return whole_; }                // no address was left out for want of room
    const std::string& trouble() const noexcept { return trouble_; } // why the last question brought nothing

private:
    std::vector<boost::asio::ip::address> addresses_;
    bool trusted_ = true;
    bool whole_ = true;
    time fresh_until_{};
    time refused_until_{}; // absent, or not trusted
    time next_trial_{};
    std::string trouble_;
};

} // namespace countersign::chain

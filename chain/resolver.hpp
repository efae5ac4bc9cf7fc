// The names that a thread has asked for, and what is known of their addresses: one look-up at a time for each name, its
// answer kept as known_name says. Memory is bounded in names, in addresses of each, and in look-ups under way. One
// thread: the io_context's. Nothing waits, and stop() leaves nothing to wait for.
#pragma once

#include "chain/known_name.hpp"
#include "chain/look_up.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace countersign::chain {

class resolver {
public:
    static constexpr std::size_t most_names = 1024;   // beyond those that somebody holds
    static constexpr std::size_t most_look_ups = 256; // about 75 KiB and a socket each

    class entry {
    public:
        const std::string host;
        known_name known; // changes when a look-up ends

    private:
        friend class resolver;
        entry(std::string_view h, known_name k) : host(h), known(std::move(k)) {}
        std::shared_ptr<look_up> under_way;
        std::vector<std::function<void()>> waiting;
    };
    using name = std::shared_ptr<entry>;

    // `trusts`: see known_name. `service`: in place of this machine's, which is read anew for each look-up.
    explicit resolver(
        boost::asio::io_context& context,
        known_name::address_judge trusts = nullptr,
        std::optional<name_service> service = std::nullopt
    );
    ~resolver() { stop(); }
    resolver(const resolver&) = delete;
    resolver& operator=(const resolver&) = delete;

    boost::asio::io_context& context() const noexcept { return context_; }

    // What is known of a host: a name, or the text of an address. Stays valid, and up to date until forget_all().
    name find(std::string_view host);
    // Where it stands. The renewal of a stale one is begun, unless that was tried just now.
    known_name::standing check(const name& n, known_name::time now, known_name::wanted w);
    // Begins a look-up, unless one is under way; when it ends, `ended` is called, from the io_context. False: there is
    // nothing to look up (an address, or stop() was called), and nobody is called.
    bool ask(const name& n, std::function<void()> ended = nullptr);
    // What is asked for next is looked up anew. Look-ups under way go on for those who wait.
    void forget_all() { names_.clear(); }
    // Ends all look-ups; nobody is called any more.
    void stop() noexcept;

private:
    void begin(const name& n);
    void end(const name& n, name_answer a);
    void make_room();

    boost::asio::io_context& context_;
    known_name::address_judge trusts_;
    std::optional<name_service> service_;
    std::unordered_map<std::string, name> names_;
    std::deque<name> under_way_; // the oldest first
    std::vector<name> ending_;   // given up: their failures are on the way
    bool stopped_ = false;
};

} // namespace countersign::chain

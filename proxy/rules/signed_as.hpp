// What the signature of an attempt was made with. An answer is compared with this, never with what is current when it
// comes: another request may have learned a region meanwhile, or a refresh may have brought other keys.
#pragma once

#include "chain/credentials.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace countersign::proxy {

// The credentials of an identity as one worker holds them. Counted without atomics: every request holds them for as
// long as its attempt lasts, and the workers share the credentials themselves.
struct held_keys : boost::intrusive_ref_counter<held_keys, boost::thread_unsafe_counter> {
    explicit held_keys(chain::shared_credentials c) noexcept : value(std::move(c)) {}
    const chain::shared_credentials value; // never null
};
using keys_ptr = boost::intrusive_ptr<const held_keys>;

struct signed_as {
    keys_ptr keys;                        // null: not signed
    std::string region;                   // SigV4A: the region set
    std::chrono::seconds clock_offset{0}; // dated by our clock and this: what the service's is ahead of it
};

} // namespace countersign::proxy

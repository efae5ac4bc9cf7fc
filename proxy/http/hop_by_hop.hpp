// Fields that are meant for one connection and end at this proxy (RFC 9110 7.6.1), in requests and in answers, and
// those that cannot be trailers. Pure; any thread.
#pragma once

#include "proxy/http/head.hpp"

#include <span>
#include <string_view>

namespace countersign::proxy {

// Marks as .stays_here what is hop-by-hop by nature, and what a Connection field names. A name there takes off nothing
// that every recipient needs: host and framing, Via, what signing writes or covers (Authorization, Date, X-Amz-*,
// Range, If-*) and what describes the content (Content-*). Such a field goes on as if Connection had not named it.
void mark_hop_by_hop(std::span<field> fields) noexcept;

// May a field of this name stand behind a body (RFC 9110 6.5.1)? Not what frames, routes, authenticates, controls
// caches or describes the content: a recipient that merges trailers into the head would be led astray.
bool may_be_trailer(std::string_view name) noexcept;

// Does this Upgrade field offer the WebSocket protocol? Its client cannot go on without it. Other offers are
// ignored (RFC 9110 7.8): a client that sends h2c, as Java's does to any http:// address, takes an HTTP/1.1 answer.
bool offers_websocket(std::string_view upgrade) noexcept;

// Does a Via field (RFC 9110 7.6.3) name `us` among the hops?
bool via_names(std::string_view via, std::string_view us) noexcept;

// Calls f(element) for each element of a comma-separated list (RFC 9110 5.6.1), trimmed, empty ones left out.
template <class F>
void for_each_element(std::string_view list, F f) {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        std::string_view item = list.substr(0, comma);
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
        while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) {
            item.remove_prefix(1);
        }
        while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) {
            item.remove_suffix(1);
        }
        if (!item.empty()) {
            f(item);
        }
    }
}

} // namespace countersign::proxy

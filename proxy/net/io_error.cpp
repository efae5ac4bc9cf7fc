#include "proxy/net/io_error.hpp"

namespace countersign::proxy {

std::string_view to_string(io_error e) noexcept {
    switch (e) {
    case io_error::none:
        return "none";
    case io_error::closed:
        return "closed";
    case io_error::reset:
        return "reset";
    case io_error::timed_out:
        return "timed out";
    case io_error::cancelled:
        return "cancelled";
    case io_error::resolve_failed:
        return "name not resolved";
    case io_error::address_refused:
        return "address refused";
    case io_error::connect_failed:
        return "connection refused";
    case io_error::tls_failed:
        return "TLS failed";
    case io_error::truncated:
        return "truncated";
    case io_error::malformed:
        return "malformed";
    case io_error::too_large:
        return "too large";
    case io_error::answered_early:
        return "answered early";
    case io_error::interrupted:
        return "interrupted";
    case io_error::wrong_body:
        return "not the body that its head names";
    case io_error::storage_full:
        return "no room for a temporary file";
    case io_error::storage_failed:
        return "temporary file failed";
    }
    return "unknown";
}

} // namespace countersign::proxy

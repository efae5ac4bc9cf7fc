#include "proxy/errc.hpp"

namespace countersign::proxy {

std::string_view to_string(errc e) noexcept {
    switch (e) {
    case errc::none:
        return "none";
    case errc::closed:
        return "closed";
    case errc::reset:
        return "reset";
    case errc::timed_out:
        return "timed out";
    case errc::cancelled:
        return "cancelled";
    case errc::resolve_failed:
        return "name not resolved";
    case errc::address_refused:
        return "address refused";
    case errc::connect_failed:
        return "connection refused";
    case errc::tls_failed:
        return "TLS failed";
    case errc::truncated:
        return "truncated";
    case errc::malformed:
        return "malformed";
    case errc::too_large:
        return "too large";
    }
    return "unknown";
}

} // namespace countersign::proxy

#include "proxy/errc.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

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

errc to_errc(const boost::system::error_code& e) noexcept {
    namespace error = boost::asio::error;
    if (!e) {
        return errc::none;
    }
    if (e == error::eof) {
        return errc::closed;
    }
    if (e == error::operation_aborted) {
        return errc::cancelled;
    }
    if (e == error::timed_out) {
        return errc::timed_out;
    }
    if (e == boost::asio::ssl::error::stream_truncated) {
        return errc::truncated;
    }
    if (e.category() == error::get_ssl_category()) {
        return errc::tls_failed;
    }
    return errc::reset;
}

} // namespace countersign::proxy

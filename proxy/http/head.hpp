// Strict reading of HTTP/1.x message heads (RFC 9112). Not one byte is accepted that two parsers could read in two
// ways: lines end in CRLF, no obs-fold, no white space before the colon, no control bytes. Works in place: the result
// holds views into the bytes that were given. Pure, allocation-free, linear. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace countersign::proxy {

// Header fields that the proxy itself looks at.
enum class field_name : std::uint8_t {
    other,
    authorization,
    connection,
    content_encoding,
    countersign_dry_run,
    content_length,
    expect,
    host,
    http2_settings,
    keep_alive,
    origin,
    proxy_authorization,
    proxy_other, // every other Proxy-*
    retry_after,
    sec_fetch_site,
    te,
    trailer,
    transfer_encoding,
    upgrade,
    via,
    amz_owned, // replaced by signing: signer::is_owned_by_signing (but Authorization), and what only earlier signatures
               // have (S3 Express's session token, AWS3's X-Amzn-Authorization)
    amz_content_sha256,
    amz_decoded_length,
    amz_trailer,
    amz_retry_after,
    amz_bucket_region,
    amz_target,
    amzn_errortype,
    amzn_query_error,
};

// Which one it is. `name` may have any case.
field_name identify(std::string_view name) noexcept;

// What a signature replaces: Authorization, X-Amz-Date and their like, X-Amz-Content-Sha256.
constexpr bool is_replaced_by_signing(field_name id) noexcept {
    return id == field_name::authorization || id == field_name::amz_owned || id == field_name::amz_content_sha256;
}
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

struct field {
    std::string_view name;
    std::string_view value; // without white space around it
    field_name id = field_name::other;
    bool stays_here = false; // ends at this proxy: hop-by-hop. Set by inbound and answer_head, never by the parser
};

struct head_limits {
    static constexpr std::size_t head = 64 * 1024;
    static constexpr std::size_t line = 16 * 1024;
    static constexpr std::size_t fields = 200;
};

enum class head_error : std::uint8_t {
    none,
    bad_line_end, // bare CR or LF
    bad_start_line,
    bad_version, // not HTTP/1.0 or HTTP/1.1
    bad_field,   // name, colon or value
    folded_line,
    target_too_long,
    line_too_long,
    too_many_fields,
    head_too_long,
};
std::string_view to_string(head_error e) noexcept;

// Looks for the empty line that ends a head, as bytes arrive; each byte is looked at once.
class head_scanner {
public:
    enum class state : std::uint8_t { more, complete, broken };

    // `bytes` are all bytes since the message began. complete: length() is the head's, the empty line included.
    state scan(std::string_view bytes) noexcept;
    std::size_t length() const noexcept { return position_; }
    head_error error() const noexcept { return error_; }

private:
    std::size_t position_ = 0; // all before it was looked at
    std::size_t line_start_ = 0;
    head_error error_ = head_error::none;
};

// Room for the fields of one head.
using field_array = std::array<field, head_limits::fields>;

struct request_head {
    std::string_view method; // neither is empty
    std::string_view target;
    unsigned minor_version = 1; // HTTP/1.x
    std::span<field> fields;
};

struct response_head {
    unsigned status = 0;
    std::string_view reason;
    unsigned minor_version = 1;
    std::span<field> fields;
};

// REQUIRES: `head` is what head_scanner called complete. The result's views point into it and into `room`.
head_error parse_request(std::string_view head, field_array& room, request_head& out) noexcept;
head_error parse_response(std::string_view head, field_array& room, response_head& out) noexcept;

// RFC 9110 5.6.2 tchar+.
bool is_token(std::string_view text) noexcept;

} // namespace countersign::proxy

// The service's error code inside an error answer, wherever AWS's wire protocols put it. Pure; any thread.
#pragma once

#include <string_view>

namespace countersign::proxy {

// The header values are "" where the header is absent; `body` is the beginning of the (decoded) body, some KiB at most,
// and may be cut off anywhere. Looks at x-amzn-query-error, x-amzn-errortype, then at the body: XML
// (<Code>…</Code> inside <Error>) or JSON (code, Code, __type at the top level). The result is a view into the
// arguments without name space and URL: com.amazon.coral.service#ThrottlingException:http://… → ThrottlingException;
// "" when there is none.
std::string_view
find_error_code(std::string_view amzn_query_error, std::string_view amzn_errortype, std::string_view body) noexcept;

// The Region that S3 names beside its Code where a signature is for another one: <Error><Region>. Not checked; "" when
// there is none.
std::string_view find_error_region(std::string_view body) noexcept;

// The host that S3 names in a redirect: <Error><Endpoint>. Not checked; "" when there is none.
std::string_view find_error_endpoint(std::string_view body) noexcept;

} // namespace countersign::proxy
